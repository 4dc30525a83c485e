# The texts of the formats that schemathesis does not know.

import schemathesis
from hypothesis import strategies as st

TEXTS = st.text("abc xyz0", max_size=8).map(lambda text: '"%s"' % text)
# Of a key, as a compacted topic takes them.
COMPARISONS = st.one_of(
    TEXTS.map(lambda text: "key == %s" % text),
    TEXTS.map(lambda text: "key != %s" % text),
    st.integers(0, 1000).map(lambda number: "partition < %d" % number),
)

schemathesis.openapi.format(
    "cel",
    st.lists(COMPARISONS, min_size=1, max_size=3).map(" || ".join),
)
