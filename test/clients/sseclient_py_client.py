"""PyPI sseclient-py over requests, which leaves coming back to its user. Prints a line of JSON an event.

    python sseclient_py_client.py URL
"""

import json
import sys
import time

import requests
import sseclient

last_id = ""
while True:
    headers = {"Accept": "text/event-stream"}
    if last_id:
        headers["Last-Event-ID"] = last_id
    try:
        # The read timeout has to be longer than the gateway's HEARTBEAT_SECONDS.
        response = requests.get(sys.argv[1], headers=headers, stream=True, timeout=60)
        for event in sseclient.SSEClient(response).events():
            print(json.dumps({"event": event.event, "data": event.data, "id": event.id}), flush=True)
            last_id = event.id or last_id
    except requests.RequestException:
        pass
    time.sleep(1)
