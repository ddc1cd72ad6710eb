# One JSON line per event, each with its own id, so that a retry is recognised as a duplicate.
set -eu
for n in $(seq "$MILLRACE_EVENTS"); do
  echo "{\"id\":\"$MILLRACE_USER-$n\",\"type\":\"app_action\",\"data\":{\"user_id\":$MILLRACE_USER,\"app_name\":\"sdk\",\"event_action\":\"click\",\"event_category\":\"test\"}}"
done > "$MILLRACE_FOLDER/events.ndjson"
cd "$MILLRACE_FOLDER"
curl --fail --silent --show-error --retry 5 --retry-all-errors \
  -H "Authorization: Bearer $MILLRACE_KEY" -H 'Content-Type: application/x-ndjson' \
  --data-binary @events.ndjson "$MILLRACE_URL/v1/events"
