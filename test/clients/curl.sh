#!/bin/bash
# curl, and a shell that comes back. Prints a line of JSON an event.
#
#     bash curl.sh URL
#
# With format=json a record is one line of data; that is all this reads.
set -u

last_id=
while :; do
  event=message data='' id=$last_id
  while IFS= read -r line; do
    case $line in
      event:*) event=${line#event:} ;;
      data:*) data=${line#data:} ;;
      id:*) id=${line#id:} ;;
      '') # The end of a block: only now it counts.
        if [[ -n $data ]]; then
          printf %s "$data" | jq -Rsc --arg event "$event" --arg id "$id" '{$event, data: ., $id}'
        fi
        last_id=$id event=message data='' ;;
    esac
  done < <(curl -sSN ${last_id:+-H "Last-Event-ID: $last_id"} "$1")
  sleep 1
done
