"""HTTP API: without a CORS configuration, an OPTIONS request goes to the matching route, as on AWS.

Unmodified MiniStack responds to every OPTIONS request with 403."""

from ministack.services import apigateway


def install():
    handle = apigateway._handle_execute_in_scope

    async def handle_with_options(api_id, stage, path, method, headers, body, query, account, region, raw_query=None):
        api = apigateway._apis.get(api_id) or {}
        route = apigateway._match_route(api_id, method, path) if method == "OPTIONS" else None
        if api.get("corsConfiguration") or not route:
            return await handle(api_id, stage, path, method, headers, body, query, account, region, raw_query)
        integration = apigateway._integrations[api_id][route["target"].split("/")[-1]]
        return await apigateway._invoke_lambda_proxy(
            integration,
            api_id,
            stage,
            path,
            method,
            {name.lower(): value for name, value in headers.items()},
            body,
            query,
            route["routeKey"],
            owner_account_id=account,
            owner_region=region,
            raw_query_string=raw_query,
        )

    apigateway._handle_execute_in_scope = handle_with_options
