"""Runs a command in a terminal of its own, as a window does.

What comes on stdin is typed there, what the terminal shows goes to stdout. The window is closed
with the end of this program, and the other way round.
"""

import os
import pty
import sys

status = pty.spawn(sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(status))
