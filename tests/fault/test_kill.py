#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of every process at random moments through create, rotate and rewrap: afterwards every acknowledged key
unwraps what it wrapped, and every acknowledged disk opens."""

import base64
import http.client
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import DISKS, Instance  # noqa: E402

SECONDS = float(os.environ.get("CUSTODISK_KILL_SECONDS", "60"))
SEED = int(os.environ.get("CUSTODISK_KILL_SEED", str(time.time_ns() % 1000000)))
SET = "Microsoft.Compute/diskEncryptionSets"
DISK = "Microsoft.Compute/disks"
# The supervisor gives up after more than 10 ends in a row, none after a life of 10 seconds (custodisk(1)); a life begins
# up to 2 seconds after the end before it, and then the process has yet to start.
ENDS_IN_A_ROW = 10
LONG_LIFE_SECONDS = 15
UNAVAILABLE = (OSError, http.client.HTTPException, AssertionError)


class Storm:
    """One client that works on while processes die, and remembers what was acknowledged."""

    def __init__(self, cloud, chance):
        self.cloud, self.chance = cloud, chance
        self.wrapped = {}   # kid -> (plaintext, ciphertext)
        self.disks = []     # made and acknowledged
        self.kills = {"keeper": 0, "server": 0, "host": 0, "disk": 0}
        self.ends = {name: [] for name in self.kills}  # times of the quick ends in a row
        self.number = 0

    def disk_job(self):
        """A process that makes or rewraps a disk at this moment; waits a little for one."""
        for _ in range(100):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as f:
                        arguments = f.read()
                except OSError:
                    continue  # it has ended
                if b"custodisk-disk" in arguments and self.cloud.dir.encode() in arguments:
                    return int(pid)
            time.sleep(0.01)
        raise AssertionError("no disk is being worked on")

    def may_end(self, name):
        """Whether the supervisor would start it again."""
        if self.ends[name] and time.monotonic() - self.ends[name][-1] > LONG_LIFE_SECONDS:
            self.ends[name] = []
        return name == "disk" or len(self.ends[name]) < ENDS_IN_A_ROW

    def kill_somebody(self):
        name = self.chance.choice([name for name in self.kills if self.may_end(name)])
        try:
            os.kill(self.disk_job() if name == "disk" else self.cloud.pid(name), signal.SIGKILL)
            self.kills[name] += 1
            self.ends[name].append(time.monotonic())
        except (AssertionError, ProcessLookupError, ValueError, KeyError, TypeError):
            pass  # it is being restarted

    def remember(self, kid):
        plaintext = base64.urlsafe_b64encode(self.chance.randbytes(32)).decode().rstrip("=")
        answer = self.cloud.vault("POST", "kv-test", kid.split(".net")[1] + "/wrapkey",
                                  {"alg": "RSA-OAEP-256", "value": plaintext})
        if answer.status == 200:
            self.wrapped[kid] = (plaintext, answer.json["value"])

    def rotate(self):
        answer = self.cloud.vault("POST", "kv-test", "/keys/k/rotate")
        if answer.status != 200:
            return None
        self.remember(answer.json["key"]["kid"])
        return answer.json["key"]["kid"]

    def create_disk(self):
        self.number += 1
        name = f"d{self.number}"
        state = self.cloud.wait(self.cloud.make_disk(name, "set"), 60)
        if state["status"] == "Succeeded":
            self.disks.append(name)

    def rewrap(self):
        kid = self.rotate()
        if kid:
            self.cloud.wait(self.cloud.update_set("set", kid), 60)

    def kill_until(self, until):
        while time.monotonic() < until:
            time.sleep(self.chance.uniform(0.3, 2.5))
            self.kill_somebody()

    def blow(self, seconds):
        until = time.monotonic() + seconds
        # From a thread of its own, so that processes die in the middle of what the client waits for.
        killer = threading.Thread(target=self.kill_until, args=(until,))
        killer.start()
        while time.monotonic() < until:
            try:
                self.chance.choice((self.rotate, self.create_disk, self.rewrap))()
            except UNAVAILABLE:
                time.sleep(0.05)  # what was not acknowledged may or may not have happened
        killer.join()


def eventually(action, seconds=90):
    until = time.monotonic() + seconds
    while True:
        try:
            return action()
        except UNAVAILABLE:
            if time.monotonic() > until:
                raise
            time.sleep(0.3)


def check(cloud, storm):
    for kid, (plaintext, ciphertext) in storm.wrapped.items():
        answer = cloud.vault("POST", "kv-test", kid.split(".net")[1] + "/unwrapkey",
                             {"alg": "RSA-OAEP-256", "value": ciphertext})
        assert answer.status == 200 and answer.json["value"] == plaintext, (kid, answer)
    # A rewrap opens every disk of the set with the key it holds, and again with the one it is given.
    kid = cloud.vault("POST", "kv-test", "/keys/k/rotate").json["key"]["kid"]
    cloud.done(cloud.update_set("set", kid), 120)
    for name in storm.disks:
        facts = cloud.inspect(name)
        assert facts["keyUrl"] == kid, (name, facts)
    shown = cloud.arm("GET", cloud.id(SET, "set"), DISKS).json["properties"]
    assert shown["previousKeys"] == [], shown


def settle(cloud):
    """Wait until everything serves again and no operation is under way."""
    def quiet():
        answer = cloud.arm("GET", cloud.id(SET, "set"), DISKS)
        assert answer.status == 200 and answer.json["properties"]["provisioningState"] != "Updating", answer
        answer = cloud.arm("GET", cloud.group() + "/providers/" + DISK, DISKS)
        for disk in answer.json["value"]:
            assert disk["properties"]["provisioningState"] in ("Succeeded", "Failed"), disk
    eventually(quiet)


def main():
    print(f"seed {SEED}, {SECONDS:.0f} s")
    with Instance("--cache-seconds", "2") as cloud:
        first = cloud.world()
        cloud.make_set("set", first)
        storm = Storm(cloud, random.Random(SEED))
        storm.remember(first)
        storm.create_disk()
        storm.blow(SECONDS)
        try:
            settle(cloud)
            eventually(lambda: check(cloud, storm))
        except UNAVAILABLE as error:
            print(cloud.logs())
            raise SystemExit(f"not ok: {error}") from error
        print(f"ok: {sum(storm.kills.values())} kills {storm.kills}; {len(storm.wrapped)} keys unwrap, "
              f"{len(storm.disks)} disks open")


if __name__ == "__main__":
    main()
