#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The examples of Azure's own API descriptions, as requests: each is understood, though most name things that are not
there. Needs the descriptions in ../shared/specs/azure; says that it skips where they are not."""

import glob
import json
import os
import re
import sys
import unittest
import urllib.parse
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
from harness import ARM, ROOT, Instance  # noqa: E402

SPECS = os.path.join(os.path.dirname(ROOT), "shared", "specs", "azure")

# Of each description the operations that are served (docs/fidelity.md).
SERVED = {
    "compute/**/diskEncryptionSet.json": r"DiskEncryptionSets_",
    "compute/**/disk.json": r"Disks_(CreateOrUpdate|Update|Get|Delete|List|ListByResourceGroup)$",
    "compute/**/virtualMachine.json":
        r"VirtualMachines_(CreateOrUpdate|Update|Get|Delete|List|ListAll|Start|PowerOff|Deallocate|InstanceView)$",
    "keyvault/resource-manager/**/stable/**/keyvault.json":
        r"(Vaults|PrivateEndpointConnections|PrivateLinkResources)_",
    "keyvault/resource-manager/**/stable/**/keys.json": r"Keys_",
    "keyvault/resource-manager/**/stable/**/secrets.json": r"Secrets_",
    "keyvault/resource-manager/**/stable/**/providers.json": r"Operations_List$",
    "monitor/**/diagnosticsSettings*_API.json": r"DiagnosticSettings",
    "msi/**/ManagedIdentity.json": r"",
    "authorization/**/authorization-RoleAssignmentsCalls.json": r"RoleAssignments_(Create|Get|Delete|ListFor)",
    "authorization/**/authorization-RoleDefinitionsCalls.json": r"RoleDefinitions_(Get|List)",
}
# What a server answers that does not know the request, or cannot read it.
MISUNDERSTOOD = {"InvalidResourceType", "InvalidRequestContent", "InvalidApiVersionParameter", "MissingApiVersionParameter",
                 "MethodNotAllowed", "InternalServerError"}


def operations():
    """(operation, method, path, parameters of the description, example) of all that is served."""
    for pattern, wanted in SERVED.items():
        found = glob.glob(os.path.join(SPECS, pattern), recursive=True)
        assert found, f"no {pattern} in {SPECS}"
        for name in found:
            with open(name) as f:
                description = json.load(f)
            for path, methods in description["paths"].items():
                for method, operation in methods.items():
                    if not re.match(wanted, operation.get("operationId", "")):
                        continue
                    for example in operation.get("x-ms-examples", {}).values():
                        example = os.path.join(os.path.dirname(name), example["$ref"])
                        if os.path.exists(example):
                            with open(example) as f:
                                yield operation, method.upper(), path, example, json.load(f)["parameters"]


def places(operation):
    return {p["name"]: p["in"] for p in operation.get("parameters", []) if "name" in p}


class Examples(unittest.TestCase):
    def fill(self, text):
        """The subscription, whatever the example calls it, is ours; other placeholders are names."""
        text = re.sub(r"/subscriptions/[^/\"]+", f"/subscriptions/{self.cloud.subscription}", text)
        return re.sub(r"{([A-Za-z-]+)}", r"\1", text)

    def request(self, operation, method, path, parameters):
        known, query, body = places(operation), {}, None
        for name, value in parameters.items():
            if "{" + name + "}" in path:
                ours = {"subscriptionId": self.cloud.subscription, "scope": self.cloud.scope[1:]}
                value = ours.get(name, str(value))
                if "RoleAssignments" in operation["operationId"] and name == "roleAssignmentName":
                    value = str(uuid.uuid4())
                path = path.replace("{" + name + "}", value)
            elif isinstance(value, dict):
                body = self.fill(json.dumps(value)).encode()
            elif known.get(name, "query") == "query":
                query[name] = str(value).lower() if isinstance(value, bool) else value
        target = self.fill(path) + "?" + urllib.parse.urlencode(query)
        answer = self.cloud.send(method, ARM, target, body, {"Authorization": "Bearer " + self.cloud.token()})
        if "CONFORMANCE_RECORD" in os.environ:
            with open(os.environ["CONFORMANCE_RECORD"], "a") as f:
                f.write(json.dumps({"method": method, "url": f"https://{ARM}{target}", "status": answer.status,
                                    "contentType": answer.headers.get("Content-Type"), "body": answer.text}) + "\n")
        return answer

    def test_each_is_understood(self):
        count = 0
        with Instance() as self.cloud:
            for group in ("myResourceGroup", "rgName", "sample-resource-group", "sample-group"):
                self.cloud.make_group(group)
            for operation, method, path, name, parameters in operations():
                with self.subTest(os.path.basename(name)):
                    answer = self.request(operation, method, path, parameters)
                    self.assertLess(answer.status, 500, f"{method} {path}: {answer}")
                    self.assertNotIn(answer.code, MISUNDERSTOOD, f"{method} {path}: {answer}")
                    if answer.status >= 400:
                        self.assertTrue(answer.code and answer.message, answer)
                    count += 1
        print(f"{count} examples", file=sys.stderr)
        self.assertGreater(count, 80)


if __name__ == "__main__":
    if not os.path.isdir(SPECS):
        print(f"skipped: Azure's API descriptions are not in {os.path.relpath(SPECS, ROOT)}")
        sys.exit(77)  # Meson's status for a test that was skipped
    unittest.main()
