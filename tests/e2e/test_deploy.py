# SPDX-License-Identifier: Apache-2.0
"""custodisk deploy: the staged example from nothing to a machine, and what it asks, shows and refuses on the way."""

import json
import os
import pty
import shutil
import subprocess
import tempfile
import unittest

from harness import COMMAND, MACHINES, ROOT, Instance

EXAMPLE = os.path.join(ROOT, "examples", "cmk")


class Deploy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.i = Instance()
        cls.i.up()
        cls.folder = tempfile.mkdtemp()
        shutil.copytree(EXAMPLE, cls.folder, dirs_exist_ok=True)
        cls.stages = os.path.join(cls.folder, "STAGES.json")

    @classmethod
    def tearDownClass(cls):
        cls.i.down()
        cls.i.__exit__()
        shutil.rmtree(cls.folder)

    def deploy(self, *options, file=None):
        return self.i.command("deploy", "--data-dir", self.i.dir, *options, file or self.stages, stdin=subprocess.DEVNULL)

    def change(self, name, edit):
        path = os.path.join(self.folder, name)
        with open(path) as f:
            value = json.load(f)
        edit(value)
        with open(path, "w") as f:
            json.dump(value, f)

    def test_1_nobody_can_be_asked(self):
        done = self.deploy()
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("--yes", done.stderr)
        self.assertIn('+ "providers/Microsoft.Network/virtualNetworks/vnet-cmk"', done.stdout)

    def test_2_what_if_alone_changes_nothing(self):
        done = self.deploy("--what-if")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("Stage 1 of 4", done.stdout)
        self.assertNotIn("Stage 2", done.stdout)
        path = f"{self.i.group('rg-cmk-network')}/providers/Microsoft.Network/virtualNetworks/vnet-cmk"
        self.assertEqual(self.i.arm("GET", path, "2023-09-01").status, 404)

    def test_3_all_stages_and_again(self):
        done = self.deploy("--yes")
        self.assertEqual(done.returncode, 0, done)
        machine = self.i.arm("GET", self.i.id("Microsoft.Compute/virtualMachines", "vm-cmk-0", "rg-cmk-hosts"), MACHINES)
        self.assertEqual(machine.json["properties"]["provisioningState"], "Succeeded", machine)
        again = self.deploy("--yes")
        self.assertEqual((again.returncode, again.stdout.count("nothing changes")), (0, 4), again)

    def test_4_a_change_is_shown_before_it_is_made(self):
        self.change("network.json", lambda t: t["resources"]["workspace"]["properties"].update(retentionInDays=60))
        done = self.deploy("--what-if")
        self.assertIn('~ "properties.retentionInDays": 90 => 60', done.stdout)
        later = self.deploy("--from", "set", "--what-if")
        self.assertEqual(later.returncode, 0, later)
        self.assertIn("Stage 3 of 4: set", later.stdout)

    def answer(self, text):
        parent, child = pty.openpty()
        try:
            os.write(parent, text)
            return subprocess.run([COMMAND, "deploy", "--data-dir", self.i.dir, "--from", "set", self.stages], stdin=child,
                                  capture_output=True, text=True, timeout=120)
        finally:
            os.close(parent)
            os.close(child)

    def test_5_approval(self):
        no = self.answer(b"n\n")
        self.assertEqual(no.returncode, 1)
        self.assertIn("Deploy stage 'set'? [y/N]", no.stdout)
        self.assertIn("not approved", no.stderr)
        yes = self.answer(b"y\ny\n")
        self.assertEqual(yes.returncode, 0, yes)

    def test_6_what_is_refused(self):
        self.change("STAGES.json", lambda s: s["stages"][2].update(parameters={"encryptionType": "Nothing"}))
        done = self.deploy("--from", "set", "--yes")
        self.assertEqual(done.returncode, 1)
        self.assertIn("encryptionType", done.stderr)
        for options, file in ((("--from", "nowhere"), None), ((), os.path.join(self.folder, "none.json"))):
            self.assertEqual(self.deploy(*options, file=file).returncode, 1)
        for options in (("--azure", "--data-dir", "x"), ("--nonsense",)):
            self.assertEqual(self.i.command("deploy", *options, self.stages).returncode, 2)

    def test_7_a_resource_that_fails_is_named(self):
        self.change("STAGES.json", lambda s: s["stages"][2].pop("parameters"))
        self.change("host.parameters.json", lambda p: p["parameters"].update(size={"value": "Standard_Nothing"}))
        done = self.deploy("--from", "host", "--yes")
        self.assertEqual(done.returncode, 1)
        self.assertIn("vm-cmk-0", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
