# SPDX-License-Identifier: Apache-2.0
"""What all types of the control plane share: resource groups that end, preconditions, pages, API versions."""

import os
import signal
import time
import unittest


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
