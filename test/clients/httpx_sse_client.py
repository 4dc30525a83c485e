"""PyPI httpx-sse, which leaves coming back to its user. Prints a line of JSON an event.

    python httpx_sse_client.py URL
"""

import json
import sys
import time

import httpx
from httpx_sse import SSEError, connect_sse

last_id = ""
# The read timeout has to be longer than the gateway's HEARTBEAT_SECONDS.
with httpx.Client(timeout=60) as client:
    while True:
        headers = {"Last-Event-ID": last_id} if last_id else {}
        try:
            with connect_sse(client, "GET", sys.argv[1], headers=headers) as source:
                for sse in source.iter_sse():
                    # Blocks without data come, too: heartbeats, and the time to come back.
                    if sse.data or sse.id not in ("", last_id):
                        event = {"event": sse.event, "data": sse.data, "id": sse.id}
                        print(json.dumps(event), flush=True)
                    last_id = sse.id or last_id
        except (httpx.TransportError, SSEError):
            pass
        time.sleep(1)
