import os

import analytics

analytics.write_key = os.environ["MILLRACE_KEY"]
analytics.host = os.environ["MILLRACE_URL"]
for n in range(int(os.environ["MILLRACE_EVENTS"])):
    properties = {
        "user_id": int(os.environ["MILLRACE_USER"]),
        "app_name": "sdk",
        "event_action": "click",
        "event_category": "test",
        "event_value": n,
    }
    analytics.track(os.environ["MILLRACE_USER"], "app_action", properties)
analytics.shutdown()
