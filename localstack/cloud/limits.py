"""Lambda's limits on what a function gets and returns, counted as Lambda counts: the event and the result as JSON, in which a body
is a string. Unmodified MiniStack has none.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

import json

from ministack.services import lambda_svc

MAX_BYTES = 6 * 2**20
MAX_RESULT_BYTES = MAX_BYTES + 100
MAX_ASYNCHRONOUS_BYTES = 2**20

TOO_LONG = {
    "statusCode": 413,
    "headers": {"content-type": "application/json"},
    "body": json.dumps({"message": "Request Too Long"}),
}


def size(value):
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def too_large_result():
    message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESULT_BYTES} bytes)."
    return {
        "error": True,
        "body": {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message},
    }


def install():
    execute, invoke = lambda_svc._execute_function, lambda_svc._invoke

    def limited_execute(func, event):
        if size(event) > MAX_BYTES:
            return {"error": True, "body": TOO_LONG}
        result = execute(func, event)
        if not result.get("error") and size(result.get("body")) > MAX_RESULT_BYTES:
            return {**result, **too_large_result()}
        return result

    async def limited_invoke(name, event, headers, *args, **kwargs):
        asynchronous = {key.lower(): value for key, value in headers.items()}.get("x-amz-invocation-type") == "Event"
        limit = MAX_ASYNCHRONOUS_BYTES if asynchronous else MAX_BYTES
        bytes_ = size(event)
        if bytes_ > limit:
            kind = "Event" if asynchronous else "RequestResponse"
            message = f"{bytes_} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
            return lambda_svc.error_response_json("RequestTooLargeException", message, 413)
        return await invoke(name, event, headers, *args, **kwargs)

    lambda_svc._execute_function = limited_execute
    lambda_svc._invoke = limited_invoke
