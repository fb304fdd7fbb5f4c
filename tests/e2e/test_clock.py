#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A clock that moves: lifetimes of keys, tokens and permissions, without waiting for them."""

import calendar
import os
import re
import time
import unittest

from harness import COMMAND, GROUPS, MACHINES, Instance

DAY = 86400
MACHINE = "Microsoft.Compute/virtualMachines"
DISK = "Microsoft.Compute/disks"


def setUpModule():
    global cloud
    cloud = Instance()
    cloud.up()
    cloud.world()


def tearDownModule():
    cloud.down()
    cloud.__exit__()


def clock(*arguments, status=0):
    done = cloud.command("clock", "--data-dir", cloud.dir, *arguments)
    assert done.returncode == status, done
    return done.stdout if status == 0 else done.stderr


def now():
    """The instance's time, in seconds."""
    text = re.match(r"time    (\S+)\n", clock())[1]
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def offset():
    found = re.search(r"^offset  (-?\d+) seconds", clock(), re.M)
    return int(found[1]) if found else 0


def count(sql, *values):
    return cloud.sql(sql, *values)[0][0]


class Moved(unittest.TestCase):
    def setUp(self):
        clock("reset")
        cloud.tokens.clear()

    tearDown = setUp

    def move(self, *arguments):
        clock(*arguments)
        cloud.tokens.clear()  # what a client keeps by its own clock


class Command(Moved):
    def test_shows_and_moves(self):
        self.assertIn("this is the real time", clock())
        self.assertLess(abs(now() - time.time()), 5)
        self.assertIn(f"offset  {30 * DAY + 3600} seconds, P30DT1H ahead of the real time", clock("advance", "P30DT1H"))
        clock("advance", "PT23H")
        self.assertEqual(offset(), 31 * DAY)
        clock("set", "2031-02-28T12:00:00+02:00")
        self.assertLess(now() - calendar.timegm((2031, 2, 28, 10, 0, 0)), 5)
        # By the calendar, from the instance's own time.
        clock("set", "2032-01-31T10:00:00Z")
        self.assertIn("time    2032-02-29T10:00:0", clock("advance", "P1M"))
        self.assertIn("behind the real time", clock("set", "2024-06-01T00:00:00Z"))
        self.assertIn("this is the real time", clock("reset"))

    def test_refuses(self):
        before = offset()
        for arguments in (("advance",), ("advance", "P"), ("advance", "1D"), ("advance", "-P1D"), ("advance", "P1D", "P1D"),
                          ("set", "2031-02-29T00:00:00Z"), ("set", "tomorrow"), ("reset", "now"), ("back",), ("--by", "P1D")):
            self.assertIn("usage: custodisk clock", clock(*arguments, status=2))
        self.assertIn("2199-12-31T23:59:59Z", clock("set", "2200-01-01T00:00:00Z", status=1))
        self.assertIn("2000-01-01T00:00:00Z", clock("set", "1999-12-31T23:59:59Z", status=1))
        clock("advance", "P1000Y", status=1)
        self.assertEqual(offset(), before)
        done = cloud.command("clock", "--data-dir", os.path.join(cloud.dir, "disks"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("no instance", done.stderr)

    def test_a_clock_that_others_may_write_is_refused(self):
        path = os.path.join(cloud.dir, "clock")
        self.assertEqual(os.stat(path).st_mode & 0o7777, 0o600)
        os.chmod(path, 0o622)
        self.assertIn("can be written by others", clock("advance", "P1D", status=1))
        os.chmod(path, 0o600)
        self.assertEqual(offset(), 0)

    def test_inside_of_run(self):
        done = cloud.command("run", "--data-dir", cloud.dir, "--", COMMAND, "clock", "advance", "P2W")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(offset(), 14 * DAY)


class Lifetimes(Moved):
    def test_a_deleted_key_is_purged_when_its_time_has_come(self):
        cloud.make_vault("kv-clock", softDeleteRetentionInDays=7, enablePurgeProtection=None)
        cloud.make_key("kv-clock", "gone")
        self.assertEqual(cloud.vault("DELETE", "kv-clock", "/keys/gone").status, 200)
        rows = lambda: count("SELECT COUNT(*) FROM audit WHERE operation = 'KeyPurge' AND vault = 'kv-clock'")
        self.move("advance", "P6DT23H")
        self.assertEqual(cloud.vault("GET", "kv-clock", "/deletedkeys/gone").status, 200)
        time.sleep(2)
        self.assertEqual(rows(), 0)
        self.move("advance", "P1DT1H")
        self.assertEqual(cloud.vault("GET", "kv-clock", "/deletedkeys/gone").status, 404)
        cloud.until(lambda: rows() == 1, 3)
        # The name is free.
        created = cloud.vault("POST", "kv-clock", "/keys/gone/create", {"kty": "RSA"})
        self.assertEqual(created.status, 200, created)
        self.assertLess(abs(created.json["attributes"]["created"] - time.time() - 8 * DAY), 5)

    def test_tokens_end_and_new_ones_are_given(self):
        old = cloud.token()
        self.assertEqual(cloud.arm("GET", cloud.group(), GROUPS, token=old).status, 200)
        clock("advance", "PT2H")
        answer = cloud.arm("GET", cloud.group(), GROUPS, token=old)
        self.assertEqual((answer.status, answer.code), (401, "ExpiredAuthenticationToken"), answer)
        cloud.tokens.clear()
        self.assertEqual(cloud.arm("GET", cloud.group(), GROUPS).status, 200)
        self.assertLess(abs(cloud.claims(cloud.token())["exp"] - 3600 - now()), 5)
        # The instance's own principals come in whatever the clock shows.
        for when in ("2150-01-01T00:00:00Z", "2001-01-01T00:00:00Z"):
            clock("set", when)
            done = cloud.command("rest", "--data-dir", cloud.dir, "-o", "name", "GET", cloud.group() + "?api-version=2024-03-01")
            self.assertEqual((done.returncode, done.stdout), (0, "rg\n"), done)

    def test_a_restart_keeps_it_and_the_certificate(self):
        with open(os.path.join(cloud.dir, "ca.pem")) as f:
            authority = f.read()
        self.move("advance", "P10Y")
        before = offset()
        cloud.down()
        self.assertEqual(offset(), before)
        cloud.up()
        self.assertEqual(offset(), before)
        self.assertLess(abs(cloud.claims(cloud.token())["exp"] - 3600 - now()), 5)
        # TLS clients judge it by the real time, and so does who would renew it.
        with open(os.path.join(cloud.dir, "ca.pem")) as f:
            self.assertEqual(f.read(), authority)


class ServedDisk(Moved):
    """A machine runs from a disk whose permission lasts an hour: what is asked about before is asked because of a move."""

    def view(self):
        return cloud.arm("GET", self.path + "/instanceView", MACHINES).json

    def io(self):
        return self.view()["disks"][0]["statuses"][0]["code"]

    def unwrapped_since(self, seconds):
        return count("SELECT COUNT(*) FROM audit WHERE operation = 'KeyUnwrap' AND time_ns > ?", seconds * 10**9)

    def test_it_goes_on_until_its_key_has_expired(self):
        self.path = cloud.id(MACHINE, "vm")
        key = cloud.make_key("kv-test", "ends", attributes={"exp": int(time.time()) + 500 * DAY})
        cloud.make_set("set", key)
        cloud.done(cloud.make_disk("d", "set"))
        cloud.done(cloud.arm("PUT", self.path, MACHINES, {"location": "westeurope", "properties": {
            "hardwareProfile": {"vmSize": "Standard_DC2as_v5"},
            "securityProfile": {"securityType": "ConfidentialVM", "uefiSettings": {"vTpmEnabled": True}},
            "storageProfile": {"osDisk": {"createOption": "Attach", "managedDisk": {"id": cloud.id(DISK, "d")}}}}}))
        self.assertEqual(self.io(), "DiskIO/ok")

        self.move("advance", "P1Y")
        moved = now() - 5
        cloud.until(lambda: self.unwrapped_since(moved) > 0, 5)  # with a new token: the old one ended long ago
        self.assertEqual(self.io(), "DiskIO/ok")

        self.move("advance", "P1Y")
        cloud.until(lambda: self.io() == "DiskIO/failed", 10)
        self.assertIn("Key is expired", self.view()["disks"][0]["statuses"][0]["message"])

        self.move("reset")
        cloud.until(lambda: self.io() == "DiskIO/ok", 10)
        self.assertEqual(self.view()["statuses"][1]["displayStatus"], "VM running")
        # The host agent has noticed each move by itself: nobody refused what it asked.
        self.assertNotIn("fetching the desired state", cloud.logs())
        self.assertNotIn("reporting:", cloud.logs())
        cloud.done(cloud.arm("POST", self.path + "/powerOff?skipShutdown=true", MACHINES))


if __name__ == "__main__":
    unittest.main(verbosity=2)
