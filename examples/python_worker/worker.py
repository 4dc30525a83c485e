"""Writes each record of a topic to SQLite, once: python worker.py [URL]"""

import json
import sqlite3
import sys
import time

import httpx
from httpx_sse import SSEError, connect_sse

URL = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8080/events"

database = sqlite3.connect("records.db")
database.executescript("""
    create table if not exists records (key text, value text, time integer);
    create table if not exists place (one integer primary key check (one = 1), id text);
""")


def follow(client):
    """Yields events, from the place that is stored on, until the stream is over."""
    place = database.execute("select id from place").fetchone()
    headers = {"Last-Event-ID": place[0]} if place else {}
    try:
        with connect_sse(client, "GET", URL, params={"format": "json"}, headers=headers) as source:
            yield from source.iter_sse()
    except (httpx.TransportError, SSEError) as error:
        print(f"coming back: {error!r}", flush=True)


def store(event):
    """The record and the place in one transaction: both or neither."""
    with database:
        if event.event in ("message", "delete") and event.data:
            record = json.loads(event.data)
            row = (record.get("key"), record["value"], record["timestamp"])
            database.execute("insert into records values (?, ?, ?)", row)
            print(f"{row[0]}: {row[1]}", flush=True)
        elif event.event == "gap":
            print(f"not delivered: {event.data}", flush=True)
        if event.id:
            database.execute("insert or replace into place values (1, ?)", (event.id,))


# A heartbeat comes every 15 s: silence for longer is a dead connection.
with httpx.Client(timeout=httpx.Timeout(10, read=40)) as client:
    while True:
        for event in follow(client):
            store(event)
        time.sleep(2)
