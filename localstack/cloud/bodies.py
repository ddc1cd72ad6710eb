"""HTTP API: a body that is not text reaches the function as base64, whatever its content type.

Unmodified MiniStack looks only at the content type, so a gzip body sent as application/json is corrupted."""

import contextvars

from ministack.services import apigateway

_binary = contextvars.ContextVar("binary body", default=False)


def is_binary(body):
    """Whether the bytes are not valid UTF-8. gzip never is, because its second byte is 0x8b."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def install():
    invoke, is_text = apigateway._invoke_lambda_proxy, apigateway._v2_request_body_is_text

    async def invoke_with_binary(integration, api_id, stage, path, method, headers, body, *args, **kwargs):
        _binary.set(bool(body) and is_binary(body))
        return await invoke(integration, api_id, stage, path, method, headers, body, *args, **kwargs)

    apigateway._invoke_lambda_proxy = invoke_with_binary
    apigateway._v2_request_body_is_text = lambda content_type: not _binary.get() and is_text(content_type)
