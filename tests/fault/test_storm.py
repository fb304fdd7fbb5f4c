#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""64 clients create, rotate, delete, recover and purge the same few keys, at first undisturbed and then while the
server and the keeper are killed: no version is lost, none is there twice, the audit log is complete and in order.

CUSTODISK_STORM_SECONDS is how long each of the two storms lasts, CUSTODISK_STORM_SEED makes one again."""

import copy
import http.client
import json
import os
import random
import signal
import sqlite3
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import KEYS, Instance, UnixConnection  # noqa: E402
from history import CHANGES, UNAVAILABLE, History, Left, Record, Request  # noqa: E402

SECONDS = float(os.environ.get("CUSTODISK_STORM_SECONDS", "8"))
SEED = int(os.environ.get("CUSTODISK_STORM_SEED", str(time.time_ns() % 1000000)))
CLIENTS = 64
OPEN, PROTECTED = "kv-storm-open", "kv-storm-kept"
NAMES = [(OPEN, f"k{i}") for i in range(6)] + [(PROTECTED, f"k{i}") for i in range(2)]
# How often each is asked for, of 32.
WEIGHTS = {"create": 7, "rotate": 6, "delete": 4, "recover": 6, "purge": 1, "get": 3, "get-deleted": 1, "versions": 3,
           "list": 1}
ROUTES = {
    "create": ("POST", "/keys/{name}/create"),
    "rotate": ("POST", "/keys/{name}/rotate"),
    "delete": ("DELETE", "/keys/{name}"),
    "recover": ("POST", "/deletedkeys/{name}/recover"),
    "purge": ("DELETE", "/deletedkeys/{name}"),
    "get": ("GET", "/keys/{name}"),
    "get-deleted": ("GET", "/deletedkeys/{name}"),
    "get-version": ("GET", "/keys/{name}/{version}"),
    "versions": ("GET", "/keys/{name}/versions"),
    "list": ("GET", "/keys"),
    "sign": ("POST", "/keys/{name}/{version}/sign"),
    "verify": ("POST", "/keys/{name}/{version}/verify"),
}
NEW_KEY = {"kty": "EC", "crv": "P-256"}
DOCUMENTED = (200, 204, 403, 404, 409)
# The supervisor gives up after more than 10 ends in a row of one process, none after a life of 10 seconds
# (custodisk(1)). A server that finds no keeper ends by itself as well, and a life begins up to 2 seconds after an end.
KILLS_IN_A_ROW = 4
LONG_LIFE_SECONDS = 15
AUDIT_RECORDS = ("SELECT rowid, id, time_ns, vault, operation, status, record FROM audit WHERE vault IN (?, ?)"
                 " ORDER BY rowid")
VERSIONS_STORED = "SELECT vault, name, version FROM vault_versions WHERE kind = 'keys'"
USED_AT_MOST = 100
DIGEST = "A" * 43
WALL = time.time_ns() - time.monotonic_ns()


class Broken(Exception):
    """The connection ended before the answer did."""


class Client:
    """One kept-alive connection; remembers every request that it sent."""

    def __init__(self, cloud, token):
        self.socket = os.path.join(cloud.dir, "run", "https.sock")
        self.context, self.token = cloud.context, token
        self.connections, self.requests = {}, []

    def connection(self, vault):
        if vault not in self.connections:
            made = UnixConnection(self.socket, f"{vault}.vault.azure.net", self.context)
            made.connect()
            self.connections[vault] = made
        return self.connections[vault]

    def ask(self, op, vault, name=None, version=None, body=None, query=""):
        """The request and the parsed answer. Raises OSError before, Broken after anything was sent."""
        connection = self.connection(vault)
        method, route = ROUTES[op]
        path = route.format(name=name, version=version) + f"?api-version={KEYS}{query}"
        data = json.dumps(body).encode() if body is not None else None
        request = Request(op, vault, name, str(uuid.uuid4()), time.monotonic_ns() + WALL)
        headers = {"Authorization": "Bearer " + self.token, "Content-Type": "application/json",
                   "x-ms-client-request-id": request.id}
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            text = answer.read()
            request.status = answer.status
        except TimeoutError as error:
            raise AssertionError(f"no answer to {request}") from error
        except (OSError, http.client.HTTPException) as error:
            self.connections.pop(vault).close()
            raise Broken(f"{request}: {error!r}") from error
        finally:
            request.ended = time.monotonic_ns() + WALL
            self.requests.append(request)
        return request, json.loads(text) if text else {}

    def do(self, op, vault, name):
        request, answer = self.ask(op, vault, None if op == "list" else name, body=NEW_KEY if op == "create" else None)
        if request.status == 200 and op in ("create", "rotate", "get", "get-deleted", "delete", "recover"):
            request.version = answer["key"]["kid"].split("/")[5]
        if request.status == 200 and op in ("create", "rotate"):
            request.key = answer["key"]
        if request.status == 200 and op in ("versions", "list"):
            request.page = [item["kid"].split("/")[5 if op == "versions" else 4] for item in answer["value"]]
        return request

    def work(self, until, chance, failures):
        names, weights = zip(*WEIGHTS.items())
        while time.monotonic() < until:
            try:
                self.do(*chance.choices(names, weights), *chance.choice(NAMES))
            except (OSError, Broken) as error:
                failures.append(repr(error))  # the error itself would hold its socket open
                time.sleep(0.02)  # the server is being restarted

    def pages(self, vault, name):
        query = ""
        while query is not None:
            request, answer = self.ask("versions", vault, name, query=query)
            page = [item["kid"].split("/")[5] for item in answer["value"]]
            request.page = None if query else page
            yield from page
            link = answer["nextLink"]
            query = "&" + link.split("?")[1].split("&", 1)[1] if link else None

    def left(self, vault, name):
        """What there is of a name. What is deleted is recovered for it: a deleted key lists no versions."""
        self.do("recover", vault, name)
        current = self.do("get", vault, name)
        if current.status == 404:
            return Left("absent", None, [])
        return Left("live", current.version, list(self.pages(vault, name)))


def in_a_row(times):
    """How many of these ends, the last of a process, were of lives that the supervisor may call short."""
    count, after = 0, time.monotonic()
    for at in reversed(times):
        if after - at > LONG_LIFE_SECONDS:
            break
        count, after = count + 1, at
    return count


def kill(cloud, chance, until, killed):
    """-9 to the server or the keeper, at moments of its choice."""
    while time.monotonic() + 0.5 < until:
        time.sleep(chance.uniform(0.6, 1.4))
        names = [name for name, times in killed.items() if in_a_row(times) < KILLS_IN_A_ROW]
        name = min(names, key=lambda one: (len(killed[one]), chance.random()), default=None)
        try:
            if name:
                os.kill(cloud.pid(name), signal.SIGKILL)
                killed[name].append(time.monotonic())
        except (AssertionError, ProcessLookupError, KeyError, TypeError):
            pass  # it is being restarted


def blow(cloud, chance, with_kills):
    """All clients at once; the requests they made, what failed to connect or to be answered, and who was killed."""
    until = time.monotonic() + SECONDS
    clients = [Client(cloud, cloud.token("https://vault.azure.net")) for _ in range(CLIENTS)]
    failures, crashes, killed = [], [], {"server": [], "keeper": []}

    def guarded(function, *arguments):
        try:
            function(*arguments)
        except Exception as error:  # a thread's would only be printed
            crashes.append(repr(error))

    def thread(*arguments):
        return threading.Thread(target=guarded, args=arguments)

    threads = [thread(c.work, until, random.Random(chance.random()), failures) for c in clients]
    if with_kills:
        threads.append(thread(kill, cloud, random.Random(chance.random()), until, killed))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not crashes, crashes
    return [r for c in clients for r in c.requests], failures, killed


def settle(cloud, client):
    """Until everything serves again after kills. Leaves a key that has two versions at least."""
    until, made = time.monotonic() + 60, 0
    while made < 2:
        try:
            client.do("recover", *NAMES[-1])
            made += client.do("create", *NAMES[-1]).status == 200
        except (OSError, Broken):
            time.sleep(0.2)
        assert time.monotonic() < until, "does not serve again\n" + cloud.logs()


def use(client, chance, requests, left):
    """What does not hold of the versions left: that they are the keys that were answered, and that they work."""
    made = {r.version: r.key for r in requests if r.key}
    there = [(*at, version) for at, one in left.items() for version in one.versions]
    for at in chance.sample(there, min(len(there), USED_AT_MOST)):
        key = client.ask("get-version", *at)[1].get("key")
        if key != made.get(at[2], key):
            yield f"{key} is not what was answered: {made[at[2]]}"
        signature = client.ask("sign", *at, {"alg": "ES256", "value": DIGEST})[1].get("value")
        verified = client.ask("verify", *at, {"alg": "ES256", "digest": DIGEST, "value": signature})[1].get("value")
        if verified is not True:
            yield f"{at} does not verify what it signed: {signature} {verified}"


def read_store(cloud):
    """The audit records, the versions stored, and what SQLite finds wrong with its file."""
    database = sqlite3.connect(f"file:{cloud.dir}/store/custodisk.db?mode=ro", uri=True)
    rows = database.execute(AUDIT_RECORDS, (OPEN, PROTECTED)).fetchall()
    stored = database.execute(VERSIONS_STORED).fetchall()
    faults = database.execute("PRAGMA foreign_key_check").fetchall()
    faults += [row for row in database.execute("PRAGMA integrity_check") if row != ("ok",)]
    database.close()
    return [Record(*row[:6], json.loads(row[6])) for row in rows], stored, faults


def statuses(requests, with_kills):
    for r in requests:
        lost_keeper = with_kills and r.status == UNAVAILABLE and r.op in ("create", "rotate")
        unanswered = with_kills and r.status is None
        if r.status not in DOCUMENTED and not lost_keeper and not unanswered:
            yield f"undocumented: {r}"


def altered(facts, chance):
    """The same evidence with one thing missing, doubled or out of order."""
    requests, records, left, stored = facts
    made = [i for i, r in enumerate(records) if r.status == 200 and r.operation in ("KeyCreate", "KeyRotate")]
    i, early, late = chance.choice(made), records[made[0]], records[made[-1]]
    swapped = [early._replace(row=late.row), *records, late._replace(row=early.row)]
    swapped = [r for r in swapped if r not in (early, late)]
    at, one = next((at, one) for at, one in left.items() if len(one.versions) > 1)
    other = next(version for version in one.versions if version != one.current)
    answered = next(r for r in requests if r.id == records[i].document["correlationId"])
    mistaken = copy.copy(answered)
    mistaken.status, mistaken.version = 200, "0" * 32
    return {
        "a record lost": (requests, records[:i] + records[i + 1:], left, stored),
        "a record twice": (requests, records[:i + 1] + records[i:], left, stored),
        "records out of order": (requests, sorted(swapped), left, stored),
        "a version lost": (requests, records, {**left, at: one._replace(versions=one.versions[1:])}, stored),
        "a version twice": (requests, records, {**left, at: one._replace(versions=[other, *one.versions])}, stored),
        "another current version": (requests, records, {**left, at: one._replace(current=other)}, stored),
        "a version that is only stored": (requests, records, left, [*stored, (*at, "0" * 32)]),
        "another version answered": ([mistaken if r is answered else r for r in requests], records, left, stored),
    }


def storm(chance, with_kills):
    with Instance() as cloud:
        cloud.make_group()
        cloud.make_vault(OPEN, enablePurgeProtection=None)
        cloud.make_vault(PROTECTED)
        began = time.monotonic()
        requests, failures, killed = blow(cloud, chance, with_kills)
        seconds = time.monotonic() - began
        client = Client(cloud, cloud.token("https://vault.azure.net"))
        settle(cloud, client)
        left = {at: client.left(*at) for at in NAMES}
        wrong = list(use(client, chance, requests + client.requests, left))
        wrong += [] if with_kills else failures
        requests += client.requests
        cloud.down()
        records, stored, faults = read_store(cloud)
        facts = (requests, records, left, stored)
        wrong += [*statuses(requests, with_kills), *faults, *History(*facts, {PROTECTED}).violations()]
        if wrong:
            print(*wrong[:40], cloud.logs(), sep="\n")
            raise SystemExit(f"not ok: {len(wrong)} violations, seed {SEED}")
        for what, evidence in altered(facts, chance).items():
            assert any(History(*evidence, {PROTECTED}).violations()), f"the checks do not see {what}"
        report(seconds, facts, killed)


def report(seconds, facts, killed):
    requests, records, _, stored = facts
    unanswered = sum(r.status is None for r in requests)
    changes = sum(r.op in CHANGES and r.status in (200, 204) for r in requests)
    print(f"ok: {seconds:.0f} s; {len(requests)} requests, {unanswered} of them unanswered; {changes} changes; "
          f"{len(stored)} versions left; {len(records)} audit records; killed the server {len(killed['server'])} and "
          f"the keeper {len(killed['keeper'])} times", flush=True)


def main():
    print(f"seed {SEED}, {CLIENTS} clients, {len(NAMES)} keys", flush=True)
    chance = random.Random(SEED)
    storm(chance, with_kills=False)
    storm(chance, with_kills=True)


if __name__ == "__main__":
    main()
