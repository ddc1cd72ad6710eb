import schemathesis


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops failures that are no faults of the API. Schemathesis calls it for each failure and keeps those with True."""
    return not (are_rejected_lines(failure, case, response) or is_unmatched_preflight(case, response))


def are_rejected_lines(failure, case, response):
    """A body of several lines is NDJSON under any content type: the response is 200, and each line that is not JSON is quarantined."""
    if failure.code != "ST201" or not isinstance(case.body, bytes) or len(case.body.split(b"\n")) < 2:
        return False
    receipt = response.json()
    return receipt["accepted"] == 0 and len(receipt["quarantined"]) > 1


def is_unmatched_preflight(case, response):
    """The emulated gateway does not match a path with a line break against {proxy+}."""
    return case.method == "OPTIONS" and response.status_code == 403 and "%0A" in response.request.url.upper()
