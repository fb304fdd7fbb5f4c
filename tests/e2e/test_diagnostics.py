#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Diagnostic settings: what they may say, and that the audit records of a vault arrive, whatever is killed meanwhile."""

import concurrent.futures
import contextlib
import glob
import http.client
import http.server
import json
import os
import signal
import threading
import time
import unittest

from harness import VAULTS, Case, Instance

VAULT = "Microsoft.KeyVault/vaults"
SETTINGS = "2021-05-01-preview"
STORAGE = "Microsoft.Storage/storageAccounts"
AUDIT = [{"category": "AuditEvent", "enabled": True}]


class Hook(http.server.BaseHTTPRequestHandler):
    """A webhook: answers with `status` after `delay` seconds, and keeps what it accepted."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        server.attempts += 1
        time.sleep(server.delay)
        if server.status == 200:
            server.records += body["records"]
        self.send_response(server.status)
        self.send_header("Content-Length", "0")
        if server.status == 302:
            self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def webhook():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.status, server.delay, server.attempts, server.records = 200, 0, 0, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def setUpModule():
    global cloud
    cloud = Instance("--private-webhooks")
    cloud.up()
    cloud.make_group()


def tearDownModule():
    cloud.__exit__()


def url(server, host="127.0.0.1"):
    return f"http://{host}:{server.server_port}/hook?code=1"


def vault(name):
    return cloud.id(VAULT, name)


def setting(name, of="one", type_=VAULT):
    return f"{cloud.id(type_, name)}/providers/Microsoft.Insights/diagnosticSettings/{of}"


def put(name, of="one", token=None, type_=VAULT, **properties):
    body = {"logs": AUDIT, **properties}
    return cloud.arm("PUT", setting(name, of, type_), SETTINGS,
                     {"properties": {k: v for k, v in body.items() if v is not None}}, token)


def lines(account, name):
    """The records in the files of an account that are of this vault, in the order of the files."""
    found = []
    pattern = os.path.join(cloud.dir, "storage", account, "insights-logs-auditevent", "resourceId=" + vault(name).upper(),
                           "y=*", "m=*", "d=*", "h=*", "m=00", "PT1H.json")
    for path in sorted(glob.glob(pattern)):
        with open(path) as f:
            found += [json.loads(line) for line in f]
    return found


def ids_of(records):
    return [r["recordId"] for r in records]


def logged(name):
    return [r[0] for r in cloud.sql("SELECT id FROM audit WHERE vault = ? AND seq > 0 ORDER BY seq", name)]


def until(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} does not come: {cloud.sql('SELECT * FROM diagnostic_sinks')}\n{cloud.logs()}")
        time.sleep(0.05)


def make_account(name, location="westeurope"):
    answer = cloud.arm("PUT", cloud.id(STORAGE, name), "2023-01-01", {
        "location": location, "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "properties": {}})
    assert answer.status < 300, answer
    cloud.done(answer)
    return cloud.id(STORAGE, name)


def advance(duration):
    done = cloud.command("clock", "--data-dir", cloud.dir, "advance", duration)
    assert done.returncode == 0, done
    cloud.tokens.clear()  # they are of another time


class Settings(Case):
    @classmethod
    def setUpClass(cls):
        cloud.make_vault("kv-set", officer=False)
        cls.account = make_account("auditone")
        cls.hook = {"customWebhook": {"serviceUri": "https://example.net/hook"}}

    def tearDown(self):
        for one in self.good(cloud.arm("GET", setting("kv-set").rsplit("/", 1)[0], SETTINGS))["value"]:
            self.good(cloud.arm("DELETE", one["id"], SETTINGS))

    def test_as_a_template_has_it(self):
        given = {"storageAccountId": self.account, "workspaceId": "", "logs": [{"categoryGroup": "allLogs", "enabled": True,
                 "retentionPolicy": {"enabled": False, "days": 0}}], "metrics": [{"category": "AllMetrics", "enabled": True}]}
        made = self.good(put("kv-set", **given))
        self.assertEqual((made["name"], made["type"]), ("one", "Microsoft.Insights/diagnosticSettings"))
        self.assertEqual(made["properties"], {k: v for k, v in given.items() if v})
        self.assertEqual(self.good(cloud.arm("GET", setting("kv-set", "ONE"), SETTINGS)), made)
        self.assertEqual(self.good(put("kv-set", **given)), made)
        self.assertEqual(self.good(cloud.arm("GET", setting("kv-set").rsplit("/", 1)[0], SETTINGS))["value"], [made])
        self.good(cloud.arm("DELETE", setting("kv-set"), SETTINGS))
        self.good(cloud.arm("DELETE", setting("kv-set"), SETTINGS), 204)
        self.refuse(cloud.arm("GET", setting("kv-set"), SETTINGS), 404, "ResourceNotFound", "one")

    def test_what_is_refused(self):
        for words, properties in (
                ("data sink", {}), ("data sink", {"storageAccountId": ""}), ("data sink", {"customWebhook": None}),
                ("'storageAccountId' must be a string", {"storageAccountId": 1}),
                ("log or metric", {**self.hook, "logs": []}), ("must be a list", {**self.hook, "logs": {}}),
                ("must be a list", {**self.hook, "metrics": [{"enabled": True}] * 21}),
                ("Category 'AuditEvents'", {**self.hook, "logs": [{"category": "AuditEvents", "enabled": True}]}),
                ("Category group 'all'", {**self.hook, "logs": [{"categoryGroup": "all", "enabled": True}]}),
                ("Metric category", {**self.hook, "metrics": [{"category": "Some", "enabled": True}]}),
                ("'enabled'", {**self.hook, "logs": [{"category": "AuditEvent"}]}),
                ("'enabled'", {**self.hook, "metrics": [{"category": "AllMetrics"}]}),
                ("either", {**self.hook, "logs": [{"category": "AuditEvent", "categoryGroup": "audit", "enabled": True}]}),
                ("more than once", {**self.hook, "logs": AUDIT * 2}),
                ("does not support mix", {**self.hook, "logs": AUDIT + [{"categoryGroup": "audit", "enabled": True}]}),
                ("retention", {**self.hook, "logs": [{**AUDIT[0], "retentionPolicy": {"days": -1, "enabled": True}}]}),
                ("retention", {**self.hook, "logs": [{**AUDIT[0], "retentionPolicy": {"days": 1}}]}),
                ("logAnalyticsDestinationType", {**self.hook, "logAnalyticsDestinationType": "Other"}),
                ("eventHubName", {**self.hook, "eventHubName": "hub"}),
                ("marketplacePartnerId", {"marketplacePartnerId": "/x"}),
                ("must be an object", {"customWebhook": "https://x"}), ("serviceUri", {"customWebhook": {}}),
                ("https://", {"customWebhook": {"serviceUri": "ftp://x/"}}), ("host", {"customWebhook": {"serviceUri": "https:///x"}}),
                ("user", {"customWebhook": {"serviceUri": "https://a@b/"}}), ("character", {"customWebhook": {"serviceUri": "https://a/#b"}}),
                ("character", {"customWebhook": {"serviceUri": "https://a/\u00e9"}}),
                ("too long", {"customWebhook": {"serviceUri": "https://a/" + "b" * 2048}})):
            self.refuse(put("kv-set", **properties), 400, "BadRequest", words)
        for member, words in (("storageAccountId", STORAGE), ("workspaceId", "OperationalInsights"), ("eventHubAuthorizationRuleId", "EventHub")):
            self.refuse(put("kv-set", **{member: vault("kv-set")}), 400, "LinkedInvalidPropertyId", words)
        self.refuse(put("kv-set", storageAccountId=cloud.id(STORAGE, "none")), 404, "ResourceNotFound", "none")
        self.refuse(put("kv-set", workspaceId=cloud.id("Microsoft.OperationalInsights/workspaces", "none")), 404, "ResourceNotFound", "none")
        self.refuse(put("kv-set", storageAccountId=make_account("auditfar", "eastus")), 400, "BadRequest", "same region")
        self.refuse(put("kv-none", **self.hook), 404, "ResourceNotFound", "kv-none")
        self.refuse(put("kv-set", "a&b", **self.hook), 400, "BadRequest", "name")
        self.refuse(put("id", type_="Microsoft.ManagedIdentity/userAssignedIdentities", **self.hook), 400, "ResourceTypeNotSupported")
        self.refuse(cloud.arm("PUT", setting("kv-set"), SETTINGS, {}), 400, "BadRequest", "'properties'")
        self.refuse(cloud.arm("PATCH", setting("kv-set"), SETTINGS, {}), 405, "MethodNotAllowed")

    def test_at_most_five_and_no_sink_twice(self):
        for i in range(5):
            self.good(put("kv-set", f"s{i}", customWebhook={"serviceUri": f"https://example.net/{i}"}))
        self.refuse(put("kv-set", "s5", customWebhook={"serviceUri": "https://example.net/5"}), 409, "Conflict", "limit of 5")
        self.refuse(put("kv-set", "s1", customWebhook={"serviceUri": "https://example.net/2"}), 409, "Conflict",
                    "already used in diagnostic setting 's2' for category 'AuditEvent'")
        other = [{"category": "AzurePolicyEvaluationDetails", "enabled": True}]
        self.good(put("kv-set", "s1", customWebhook={"serviceUri": "https://example.net/2"}, logs=other))
        self.refuse(put("kv-set", "s3", customWebhook={"serviceUri": "https://example.net/2"}, logs=[
            {"categoryGroup": "allLogs", "enabled": True}]), 409, "Conflict", "'AzurePolicyEvaluationDetails'")

    def test_recorded(self):
        rule = cloud.id("Microsoft.EventHub/namespaces", "ns") + "/authorizationRules/send"
        partner = cloud.id("Microsoft.Datadog/monitors", "dd")
        shown = self.good(put("kv-set", eventHubAuthorizationRuleId=rule, eventHubName="hub", marketplacePartnerId=partner))["properties"]
        self.assertEqual((shown["eventHubAuthorizationRuleId"], shown["eventHubName"], shown["marketplacePartnerId"]), (rule, "hub", partner))
        self.assertEqual(cloud.sql("SELECT * FROM diagnostic_sinks WHERE vault = 'kv-set'"), [])

    def test_rights(self):
        with open(os.path.join(cloud.dir, "host.json")) as f:
            host = json.load(f)
        token = cloud.token_answer(client=host["clientId"], secret=host["clientSecret"]).json["access_token"]
        self.refuse(put("kv-set", token=token, **self.hook), 403, "AuthorizationFailed", "Microsoft.Insights/diagnosticSettings/write")
        self.refuse(cloud.arm("GET", setting("kv-set"), SETTINGS, token=token), 403, "AuthorizationFailed")
        self.refuse(cloud.arm("DELETE", setting("kv-set"), SETTINGS, token=token), 403, "AuthorizationFailed")
        categories = vault("kv-set") + "/providers/Microsoft.Insights/diagnosticSettingsCategories"
        self.refuse(cloud.arm("GET", categories, SETTINGS, token=token), 403, "AuthorizationFailed")

    def test_categories(self):
        base = vault("kv-set") + "/providers/Microsoft.Insights/diagnosticSettingsCategories"
        found = {c["name"]: c["properties"] for c in self.good(cloud.arm("GET", base, SETTINGS))["value"]}
        self.assertEqual(found, {"AuditEvent": {"categoryType": "Logs", "categoryGroups": ["audit", "allLogs"]},
                                 "AzurePolicyEvaluationDetails": {"categoryType": "Logs", "categoryGroups": ["allLogs"]},
                                 "AllMetrics": {"categoryType": "Metrics"}})
        self.assertEqual(self.good(cloud.arm("GET", base + "/auditevent", SETTINGS))["name"], "AuditEvent")
        self.refuse(cloud.arm("GET", base + "/other", SETTINGS), 404, "ResourceNotFound")
        self.refuse(cloud.arm("DELETE", base + "/AuditEvent", SETTINGS), 405, "MethodNotAllowed")


class Delivery(Case):
    def test_storage_and_webhook(self):
        cloud.make_vault("kv-flow")
        kid = cloud.make_key("kv-flow")
        account = make_account("auditflow")
        with webhook() as hook:
            self.good(put("kv-flow", storageAccountId=account, customWebhook={"serviceUri": url(hook)}))
            before = len(logged("kv-flow"))
            self.assertEqual(cloud.vault("GET", "kv-flow", "/keys/k").status, 200)
            self.assertEqual(cloud.vault("GET", "kv-flow", "/keys/none").status, 404)
            cloud.make_key("kv-flow", "k2")
            expected = logged("kv-flow")[before:]
            self.assertEqual(len(expected), 3)
            until(lambda: len(lines("auditflow", "kv-flow")) == 3 and len(hook.records) == 3, "delivery")
            got = lines("auditflow", "kv-flow")
            self.assertEqual(ids_of(got), expected)  # in order, from the setting on, nothing twice
            self.assertEqual(hook.records, got)
            first, second, third = got
            self.assertEqual((first["operationName"], first["category"], first["resultType"], first["resourceId"], first["properties"]["id"]),
                             ("KeyGet", "AuditEvent", "Success", vault("kv-flow").upper(), kid))
            self.assertEqual((second["properties"]["httpStatusCode"], second["resultType"]), (404, "Failed"))
            self.assertEqual((third["operationName"], third["durationMs"].isdigit()), ("KeyCreate", True))
            folder = glob.glob(os.path.join(cloud.dir, "storage", "auditflow", "*", "*", "**", "PT1H.json"), recursive=True)
            self.assertEqual(os.stat(folder[0]).st_mode & 0o777, 0o600)

            # Not the log of another vault; and nothing any more once the setting is off, or without its sink.
            cloud.make_vault("kv-quiet")
            cloud.make_key("kv-quiet")
            self.good(put("kv-flow", storageAccountId=account, logs=[{"category": "AuditEvent", "enabled": False}],
                          metrics=[{"category": "AllMetrics", "enabled": True}]))
            self.assertEqual(cloud.sql("SELECT * FROM diagnostic_sinks WHERE vault = 'kv-flow'"), [])
            cloud.vault("GET", "kv-flow", "/keys/k")
            self.good(put("kv-flow", storageAccountId=account))
            cloud.vault("GET", "kv-flow", "/keys/k2")
            until(lambda: len(lines("auditflow", "kv-flow")) == 4, "the record after the pause")
            self.assertEqual(ids_of(lines("auditflow", "kv-flow"))[-1], logged("kv-flow")[-1])
            self.assertEqual(len(hook.records), 3)
            self.assertEqual(lines("auditflow", "kv-quiet"), [])

    def test_pool(self):
        answer = cloud.arm("PUT", cloud.id("Microsoft.KeyVault/managedHSMs", "poollog"), VAULTS, {
            "location": "westeurope", "sku": {"family": "B", "name": "Standard_B1"},
            "properties": {"tenantId": cloud.tenant, "initialAdminObjectIds": [cloud.me()]}})
        self.good(answer)
        self.refuse(put("poollog", type_="Microsoft.KeyVault/managedHSMs", customWebhook={"serviceUri": "https://example.net/"},
                        logs=[{"category": "AzurePolicyEvaluationDetails", "enabled": True}]), 400, "BadRequest", "not supported")
        with webhook() as hook:
            self.good(put("poollog", type_="Microsoft.KeyVault/managedHSMs", customWebhook={"serviceUri": url(hook)}))
            token = cloud.token("https://managedhsm.azure.net")
            cloud.send("GET", "poollog.managedhsm.azure.net", "/keys?api-version=7.4", None, {"Authorization": "Bearer " + token})
            until(lambda: hook.records, "the pool's record")
            self.assertEqual(hook.records[0]["resourceId"], cloud.id("Microsoft.KeyVault/managedHSMs", "poollog").upper())

    def test_a_failing_webhook_holds_up_nobody(self):
        cloud.make_vault("kv-fail")
        cloud.make_key("kv-fail")
        account = make_account("auditfail")
        with webhook() as hook, webhook() as fine:
            hook.status = 500
            self.good(put("kv-fail", storageAccountId=account, customWebhook={"serviceUri": url(hook)}))
            self.good(put("kv-fail", "two", customWebhook={"serviceUri": url(fine)}))
            cloud.vault("GET", "kv-fail", "/keys/k")
            until(lambda: hook.attempts == 1 and len(fine.records) == 1 and len(lines("auditfail", "kv-fail")) == 1, "the others' delivery")
            until(lambda: cloud.sql("SELECT 1 FROM diagnostic_sinks WHERE vault = 'kv-fail' AND attempts = 1"), "the first attempt's end")
            time.sleep(2.5)
            self.assertEqual(hook.attempts, 1)  # not again before its pause is over
            (attempts, error), = cloud.sql("SELECT attempts, last_error FROM diagnostic_sinks WHERE vault = 'kv-fail' AND attempts > 0")
            self.assertEqual(attempts, 1)
            self.assertIn("500", error)
            # Redirections are not followed: a 302 is a failure as any other.
            hook.status = 302
            advance("PT11S")
            until(lambda: cloud.sql("SELECT 1 FROM diagnostic_sinks WHERE vault = 'kv-fail' AND attempts = 2"), "the second attempt")
            hook.status = 200
            advance("PT31S")
            until(lambda: len(hook.records) == 1, "the third attempt")
            self.assertEqual(ids_of(hook.records), ids_of(fine.records))
            # The webhook has its records before the store knows.
            until(lambda: cloud.sql("SELECT attempts, failing_since, last_error FROM diagnostic_sinks WHERE vault = 'kv-fail'"
                               " AND kind = 'webhook' AND setting = 'one'") == [(0, None, None)], "the end of its failures")

    def test_a_slow_webhook_does_not_slow_the_vault(self):
        cloud.make_vault("kv-slow")
        cloud.make_key("kv-slow")
        with webhook() as hook:
            hook.delay = 3
            self.good(put("kv-slow", customWebhook={"serviceUri": url(hook)}))
            began = time.monotonic()
            for _ in range(30):
                self.assertEqual(cloud.vault("GET", "kv-slow", "/keys/k").status, 200)
            self.assertLess(time.monotonic() - began, 3)
            until(lambda: len(hook.records) == 30, "the slow webhook's records")

    def test_dead_letters(self):
        cloud.make_vault("kv-dead")
        cloud.make_key("kv-dead")
        with webhook() as hook:
            hook.status = 503
            self.good(put("kv-dead", customWebhook={"serviceUri": url(hook)}))
            cloud.vault("GET", "kv-dead", "/keys/k")
            until(lambda: cloud.sql("SELECT 1 FROM diagnostic_sinks WHERE vault = 'kv-dead' AND attempts = 1"), "the first attempt")
            lost = logged("kv-dead")[-1]
            advance("P1DT1H")
            cloud.vault("GET", "kv-dead", "/keys/k")
            kept = logged("kv-dead")[-1]
            until(lambda: cloud.sql("SELECT 1 FROM diagnostic_dead_letters WHERE vault = 'kv-dead'"), "the dead letter")
            (first, last, error), = cloud.sql("SELECT first_seq, last_seq, error FROM diagnostic_dead_letters WHERE vault = 'kv-dead'")
            self.assertEqual([r[0] for r in cloud.sql("SELECT id FROM audit WHERE vault = 'kv-dead' AND seq BETWEEN ? AND ?", first, last)], [lost])
            self.assertIn("503", error)
            hook.status = 200
            advance("PT1H")
            until(lambda: hook.records, "what came later")
            self.assertEqual(ids_of(hook.records), [kept])

    def test_purged_with_its_vault(self):
        cloud.make_vault("kv-heir", enablePurgeProtection=None)
        with webhook() as hook:
            self.good(put("kv-heir", customWebhook={"serviceUri": url(hook)}))
            self.assertEqual(cloud.arm("DELETE", vault("kv-heir"), VAULTS).status, 200)
            self.refuse(cloud.arm("GET", setting("kv-heir"), SETTINGS), 404, "ResourceNotFound")
            purge = f"{cloud.scope}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv-heir/purge"
            self.assertEqual(cloud.arm("POST", purge, VAULTS).status, 202)
            self.assertEqual(cloud.sql("SELECT * FROM diagnostic_settings WHERE vault = 'kv-heir'"), [])
            seen = len(hook.records)
            cloud.make_vault("kv-heir")
            cloud.make_key("kv-heir")
            time.sleep(2.5)
            self.assertLessEqual(len(hook.records), max(seen, 1))  # the deletion's own record may be on its way
            self.assertNotIn("KeyCreate", [r["operationName"] for r in hook.records])

    def test_killed(self):
        cloud.make_vault("kv-kill")
        cloud.make_key("kv-kill")
        account = make_account("auditkill")
        with webhook() as hook:
            self.good(put("kv-kill", storageAccountId=account, customWebhook={"serviceUri": url(hook)}))
            before = len(logged("kv-kill"))
            stop = threading.Event()

            def work():
                while not stop.is_set():
                    with contextlib.suppress(OSError, http.client.HTTPException):
                        cloud.vault("GET", "kv-kill", "/keys/k")

            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                workers = [pool.submit(work) for _ in range(4)]
                for _ in range(4):
                    time.sleep(1.2)
                    os.kill(cloud.pid("server"), signal.SIGKILL)
                    until(lambda: cloud_answers(), "the server")
                stop.set()
                for worker in workers:
                    worker.result()
            expected = logged("kv-kill")[before:]
            self.assertGreater(len(expected), 50)
            # What a power cut leaves of a line does not survive the next record.
            newest = max(glob.glob(os.path.join(cloud.dir, "storage", "auditkill", "**", "PT1H.json"), recursive=True), key=os.path.getmtime)
            until(lambda: set(expected) <= set(ids_of(lines("auditkill", "kv-kill"))), "all records in storage")
            with open(newest, "a") as f:
                f.write('{"torn')
            self.assertEqual(cloud.vault("GET", "kv-kill", "/keys/k").status, 200)
            expected = logged("kv-kill")[before:]
            until(lambda: expected[-1].encode() in open_bytes(newest), "the record behind the torn line")
            until(lambda: set(expected) <= set(ids_of(hook.records)), "all records at the webhook")
            for got in (ids_of(lines("auditkill", "kv-kill")), ids_of(hook.records)):
                self.assertEqual(list(dict.fromkeys(got)), expected)  # none lost, none out of order, some perhaps twice
                self.assertLess(len(got) - len(expected), 2500)


def open_bytes(path):
    with open(path, "rb") as f:
        return f.read()


def cloud_answers():
    with contextlib.suppress(OSError, http.client.HTTPException):
        return cloud.arm("GET", cloud.group(), "2024-03-01").status == 200
    return False


class Forbidden(Case):
    """Without the operator's leave a webhook reaches the internet alone."""

    def test_addresses(self):
        with Instance() as other, webhook() as hook:
            global cloud
            mine, cloud = cloud, other
            try:
                cloud.make_group()
                cloud.make_vault("kv-safe")
                cloud.make_key("kv-safe")
                self.refuse(put("kv-safe", customWebhook={"serviceUri": url(hook)}), 400, "BadRequest", "https://")
                for i, host in enumerate(("localhost", "169.254.169.254", "[::ffff:10.0.0.1]", "0x7f000001")):
                    self.good(put("kv-safe", f"s{i}", customWebhook={"serviceUri": f"https://{host}:{hook.server_port}/"}))
                cloud.vault("GET", "kv-safe", "/keys/k")
                until(lambda: cloud.sql("SELECT COUNT(*) FROM diagnostic_sinks WHERE last_error LIKE '%may not be reached%'") == [(4,)],
                      "the refusals")
                self.assertEqual(hook.attempts, 0)
            finally:
                cloud = mine


if __name__ == "__main__":
    unittest.main()
