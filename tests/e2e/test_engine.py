# SPDX-License-Identifier: Apache-2.0
"""What all types of the control plane share: resource groups that end, preconditions, pages, API versions."""

import os
import signal
import time
import unittest

import harness
from harness import GROUPS, IDENTITIES, Instance


class Engine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.i = Instance()
        cls.i.up()

    @classmethod
    def tearDownClass(cls):
        cls.i.down()

    def identities(self, group, count):
        self.i.make_group(group)
        for n in range(count):
            path = self.i.id("Microsoft.ManagedIdentity/userAssignedIdentities", f"id-{n:03}", group)
            answer = self.i.arm("PUT", path, IDENTITIES, {"location": "westeurope"})
            self.assertIn(answer.status, (200, 201), answer)

    def test_a_group_goes_with_what_it_holds(self):
        self.identities("rg-full", 5)
        answer = self.i.arm("DELETE", self.i.group("rg-full"), GROUPS)
        self.assertEqual(answer.status, 202, answer)
        self.assertIn("Location", answer.headers)
        self.i.done(answer)
        self.assertEqual(self.i.arm("GET", self.i.group("rg-full"), GROUPS).code, "ResourceGroupNotFound")
        left = self.i.arm("GET", f"{self.i.scope}/providers/Microsoft.ManagedIdentity/userAssignedIdentities", IDENTITIES)
        self.assertFalse([r for r in left.json["value"] if "/rg-full/" in r["id"]], left)

    def test_a_list_comes_in_pages(self):
        self.identities("rg-pages", 7)
        seen, path, version = [], self.i.group("rg-pages") + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities", IDENTITIES
        target = f"{path}?api-version={version}&$top=3"
        for size in (3, 3, 1):
            answer = self.i.send("GET", harness.ARM, target, headers={"Authorization": f"Bearer {self.i.token()}"})
            self.assertEqual(len(answer.json["value"]), size, answer)
            seen += [r["name"] for r in answer.json["value"]]
            target = answer.json.get("nextLink", "").removeprefix("https://" + harness.ARM)
        self.assertEqual(target, "")
        self.assertEqual(seen, [f"id-{n:03}" for n in range(7)])
        for query, code in (("$top=0", "InvalidTop"), ("$top=x", "InvalidTop"), ("$skiptoken=%21", "InvalidSkipToken")):
            answer = self.i.send("GET", harness.ARM, f"{path}?api-version={version}&{query}",
                                 headers={"Authorization": f"Bearer {self.i.token()}"})
            self.assertEqual((answer.status, answer.code), (400, code), answer)

    def test_preconditions(self):
        self.i.make_group("rg-etag")
        path = self.i.id("Microsoft.ManagedIdentity/userAssignedIdentities", "one", "rg-etag")
        body = {"location": "westeurope"}

        def ask(method, body=None, **headers):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return self.i.send(method, harness.ARM, f"{path}?api-version={IDENTITIES}", body,
                               {"Authorization": f"Bearer {self.i.token()}", **named})

        self.assertEqual(ask("PUT", body, If_Match="*").code, "PreconditionFailed")
        first = ask("PUT", body, If_None_Match="*")
        self.assertEqual(first.status, 201, first)
        self.assertEqual(ask("PUT", body, If_None_Match="*").status, 412)
        second = ask("PUT", {**body, "tags": {"a": "b"}}, If_Match=first.headers["ETag"])
        self.assertEqual(second.status, 200, second)
        self.assertNotEqual(first.headers["ETag"], second.headers["ETag"])
        self.assertEqual(ask("GET").headers["ETag"], second.headers["ETag"])
        self.assertEqual(ask("PATCH", {"tags": {}}, If_Match=first.headers["ETag"]).status, 412)
        self.assertEqual(ask("DELETE", If_Match=first.headers["ETag"]).status, 412)
        self.assertEqual(ask("DELETE", If_Match=second.headers["ETag"]).status, 200)

    def test_versions(self):
        for version, code in (("2019-13-99x", "InvalidApiVersionParameter"), ("", "InvalidApiVersionParameter")):
            self.assertEqual(self.i.arm("GET", self.i.group("rg"), version).code, code)

    def test_too_many_requests(self):
        with Instance(throttling=True) as limited:
            answer = limited.arm("GET", limited.scope, "2022-12-01")
            left = int(answer.headers["x-ms-ratelimit-remaining-subscription-reads"])
            self.assertLess(left, 250)
            for _ in range(2000):
                answer = limited.arm("GET", limited.scope, "2022-12-01")
                if answer.status == 429:
                    break
            self.assertEqual(answer.code, "SubscriptionRequestsThrottled", answer)
            time.sleep(int(answer.headers["Retry-After"]))
            self.assertEqual(limited.arm("GET", limited.scope, "2022-12-01").status, 200)

    def test_nothing_new_in_a_group_that_goes(self):
        self.identities("rg-going", 1)
        self.i.arm("DELETE", self.i.group("rg-going"), GROUPS)
        path = self.i.id("Microsoft.ManagedIdentity/userAssignedIdentities", "late", "rg-going")
        answer = self.i.arm("PUT", path, IDENTITIES, {"location": "westeurope"})
        self.assertIn(answer.code, ("ResourceGroupBeingDeleted", "ResourceGroupNotFound"), answer)

    def test_the_deletion_survives_a_kill(self):
        self.identities("rg-killed", 40)
        answer = self.i.arm("DELETE", self.i.group("rg-killed"), GROUPS)
        self.assertEqual(answer.status, 202, answer)
        os.kill(self.i.pid("server"), signal.SIGKILL)
        deadline = time.time() + 60
        while time.time() < deadline:
            try:
                if self.i.arm("GET", self.i.group("rg-killed"), GROUPS).status == 404:
                    return
            except OSError:
                pass  # it is being started again
            time.sleep(0.2)
        self.fail("the group is still there")


if __name__ == "__main__":
    unittest.main(verbosity=2)
