# SPDX-License-Identifier: Apache-2.0
"""A throwaway custodisk instance and a plain HTTP client for it, with the standard library alone."""

import base64
import contextlib
import http.client
import json
import os
import shutil
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMAND = os.environ.get("CUSTODISK", os.path.join(ROOT, "build", "custodisk"))

ARM = "management.azure.com"
LOGIN = "login.microsoftonline.com"
METADATA = "169.254.169.254"
CRYPTO_OFFICER = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"
ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"

GROUPS = "2024-03-01"
IDENTITIES = "2023-01-31"
VAULTS = "2023-07-01"
ROLES = "2022-04-01"
DISKS = "2024-03-02"
MACHINES = "2024-07-01"
KEYS = "7.4"


class UnixConnection(http.client.HTTPConnection):
    """HTTP, or HTTPS when a context is given, over a Unix socket."""

    def __init__(self, path, host, context=None):
        super().__init__(host, timeout=60)
        self.path, self.context = path, context

    def connect(self):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(self.timeout)
        sock.connect(self.path)
        self.sock = self.context.wrap_socket(sock, server_hostname=self.host) if self.context else sock


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text
        try:
            self.json = json.loads(text) if text else None
        except ValueError:
            self.json = None

    @property
    def code(self):
        return ((self.json or {}).get("error") or {}).get("code")

    @property
    def message(self):
        return ((self.json or {}).get("error") or {}).get("message", "")

    def __repr__(self):
        return f"<{self.status} {self.text[:600]!r}>"


class Instance:
    def __init__(self, *up_options, throttling=False):
        # Socket paths are short: the folder has to be, too.
        self.dir = tempfile.mkdtemp(prefix="cdk-", dir="/tmp")
        # A test makes more keys in ten seconds than a vault's limits allow.
        self.up_options = ("--listen", "none", *(() if throttling else ("--no-throttling",)), *up_options)
        self.tokens = {}

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *_):
        self.down()
        shutil.rmtree(self.dir)

    def command(self, *arguments, **options):
        return subprocess.run([COMMAND, *arguments], text=True, capture_output=True, timeout=300, **options)

    def up(self):
        done = self.command("up", "--data-dir", self.dir, *self.up_options)
        if done.returncode != 0:
            raise AssertionError(f"up failed: {done.stdout}{done.stderr}{self.logs()}")
        with open(os.path.join(self.dir, "bootstrap.json")) as f:
            facts = json.load(f)
        self.tenant, self.subscription = facts["tenantId"], facts["subscriptionId"]
        self.client, self.secret = facts["clientId"], facts["clientSecret"]
        self.context = ssl.create_default_context(cafile=os.path.join(self.dir, "ca.pem"))

    def down(self):
        self.command("down", "--data-dir", self.dir)

    def logs(self):
        text = ""
        for name in ("server", "keeper", "host"):
            path = os.path.join(self.dir, "log", name + ".log")
            if os.path.exists(path):
                with open(path) as f:
                    text += f"--- {name}.log\n" + "".join(f.readlines()[-40:])
        return text

    def pid(self, name):
        """The process id of keeper, server or host."""
        done = self.command("status", "--json", "--data-dir", self.dir)
        for process in json.loads(done.stdout)["processes"]:
            if process["name"] == name:
                return process["pid"]
        raise AssertionError(f"no {name} in {done.stdout}")

    @contextlib.contextmanager
    def store(self):
        """The instance's store, beside its server; what is changed is committed at the end."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.dir, "store", "custodisk.db"), timeout=30)) as db, db:
            yield db

    def sql(self, statement, *values):
        with self.store() as db:
            return db.execute(statement, values).fetchall()

    def until(self, condition, seconds=20):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it does not come: {condition.__qualname__}\n{self.logs()}"
            time.sleep(0.1)

    @property
    def host(self):
        """The host agent's credentials: a principal of the first tenant with a role at one resource alone."""
        with open(os.path.join(self.dir, "host.json")) as f:
            return json.load(f)

    def host_token(self, resource="https://management.azure.com"):
        return self.token_answer(resource, client=self.host["clientId"], secret=self.host["clientSecret"]).json["access_token"]

    # Wire

    def send(self, method, host, path, body=None, headers=None, plain=False):
        sock = os.path.join(self.dir, "run", "http.sock" if plain else "https.sock")
        connection = UnixConnection(sock, host, None if plain else self.context)
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        all_headers = {"Content-Type": "application/json"} if data is not None else {}
        all_headers.update(headers or {})
        try:
            connection.request(method, path, data, all_headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    def token_answer(self, resource="https://management.azure.com", tenant=None, client=None, secret=None):
        form = {"grant_type": "client_credentials", "client_id": client or self.client,
                "client_secret": secret or self.secret, "scope": resource + "/.default"}
        return self.send("POST", LOGIN, f"/{tenant or self.tenant}/oauth2/v2.0/token",
                         urllib.parse.urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"})

    def token(self, resource="https://management.azure.com"):
        if resource not in self.tokens:
            answer = self.token_answer(resource)
            assert answer.status == 200, answer
            self.tokens[resource] = answer.json["access_token"]
        return self.tokens[resource]

    def claims(self, token):
        part = token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))

    def arm(self, method, path, version, body=None, token=None):
        separator = "&" if "?" in path else "?"
        return self.send(method, ARM, f"{path}{separator}api-version={version}", body,
                         {"Authorization": "Bearer " + (token or self.token())})

    def vault(self, method, name, path, body=None, token=None, version=KEYS):
        separator = "&" if "?" in path else "?"
        return self.send(method, f"{name}.vault.azure.net", f"{path}{separator}api-version={version}", body,
                         {"Authorization": "Bearer " + (token or self.token("https://vault.azure.net"))})

    def wait(self, answer, seconds=120):
        """Follow the asynchronous operation of an answer; its final status document."""
        assert answer.status < 300, answer
        url = answer.headers.get("Azure-AsyncOperation")
        if not url:
            return {"status": "Succeeded"}
        target = urllib.parse.urlsplit(url)
        until = time.monotonic() + seconds
        while True:
            try:
                state = self.send("GET", ARM, f"{target.path}?{target.query}", None,
                                  {"Authorization": "Bearer " + self.token()})
            except (OSError, http.client.HTTPException):
                state = None  # the server is being restarted
            if state is not None and state.status == 200 and state.json["status"] != "InProgress":
                return state.json
            if time.monotonic() > until:
                raise AssertionError(f"the operation does not end: {state}\n{self.logs()}")
            time.sleep(0.1)

    def done(self, answer, seconds=120):
        state = self.wait(answer, seconds)
        assert state["status"] == "Succeeded", f"{state}\n{self.logs()}"
        return answer

    def follow(self, answer, token=None):
        """The pages of a list that begins with an answer."""
        pages = []
        while True:
            assert answer.status == 200, answer
            pages.append(answer.json["value"])
            if not answer.json.get("nextLink"):
                return pages
            link = urllib.parse.urlsplit(answer.json["nextLink"])
            assert (link.scheme, link.netloc) == ("https", ARM), answer
            answer = self.send("GET", ARM, f"{link.path}?{link.query}", None, {"Authorization": "Bearer " + (token or self.token())})

    # A small world

    @property
    def scope(self):
        return f"/subscriptions/{self.subscription}"

    def group(self, name="rg"):
        return f"{self.scope}/resourceGroups/{name}"

    def id(self, type_, name, group="rg"):
        return f"{self.group(group)}/providers/{type_}/{name}"

    def assign(self, scope, principal, role):
        return self.arm("PUT", f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}", ROLES, {
            "properties": {"principalId": principal, "principalType": "ServicePrincipal",
                           "roleDefinitionId": f"{self.scope}/providers/Microsoft.Authorization/roleDefinitions/{role}"}})

    def me(self):
        return self.claims(self.token())["oid"]

    def make_group(self, name="rg"):
        answer = self.arm("PUT", self.group(name), GROUPS, {"location": "westeurope"})
        assert answer.status in (200, 201), answer

    def make_identity(self, name="id-set"):
        answer = self.arm("PUT", self.id("Microsoft.ManagedIdentity/userAssignedIdentities", name), IDENTITIES,
                          {"location": "westeurope"})
        assert answer.status in (200, 201), answer
        return answer.json["properties"]

    def make_vault(self, name, officer=True, **properties):
        body = {"tenantId": self.tenant, "sku": {"family": "A", "name": "premium"}, "enableRbacAuthorization": True,
                "enablePurgeProtection": True, **properties}
        answer = self.arm("PUT", self.id("Microsoft.KeyVault/vaults", name), VAULTS,
                          {"location": "westeurope", "properties": {k: v for k, v in body.items() if v is not None}})
        assert answer.status in (200, 201), answer
        if officer:
            granted = self.assign(self.id("Microsoft.KeyVault/vaults", name), self.me(), CRYPTO_OFFICER)
            assert granted.status == 201, granted
        return answer

    def make_key(self, vault, name="k", **body):
        answer = self.vault("POST", vault, f"/keys/{name}/create", {"kty": "RSA", **body})
        assert answer.status == 200, answer
        return answer.json["key"]["kid"]

    def make_set(self, name, key_url, identity="id-set", kind="ConfidentialVmEncryptedWithCustomerKey"):
        identity_id = self.id("Microsoft.ManagedIdentity/userAssignedIdentities", identity)
        return self.done(self.arm("PUT", self.id("Microsoft.Compute/diskEncryptionSets", name), DISKS, {
            "location": "westeurope",
            "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity_id: {}}},
            "properties": {"encryptionType": kind, "activeKey": {"keyUrl": key_url}}}))

    def update_set(self, name, key_url):
        return self.arm("PATCH", self.id("Microsoft.Compute/diskEncryptionSets", name), DISKS,
                        {"properties": {"activeKey": {"keyUrl": key_url}}})

    def disk_body(self, set_name, size=1, source=None, confidential=True):
        set_id = self.id("Microsoft.Compute/diskEncryptionSets", set_name)
        creation = {"createOption": "Import", "sourceUri": "file://" + source} if source else {"createOption": "Empty"}
        protection = ({"osType": "Linux", "securityProfile": {
            "securityType": "ConfidentialVM_DiskEncryptedWithCustomerKey", "secureVMDiskEncryptionSetId": set_id}}
            if confidential else {"encryption": {"type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": set_id}})
        return {"location": "westeurope", "properties": {"diskSizeGB": size, "creationData": creation, **protection}}

    def make_disk(self, name, set_name, **options):
        return self.arm("PUT", self.id("Microsoft.Compute/disks", name), DISKS, self.disk_body(set_name, **options))

    def disk(self, name):
        return self.arm("GET", self.id("Microsoft.Compute/disks", name), DISKS).json

    def disk_file(self, name):
        return os.path.join(self.dir, "disks", self.disk(name)["properties"]["uniqueId"] + ".luks")

    def inspect(self, name):
        done = self.command("disk", "inspect", self.disk_file(name))
        assert done.returncode == 0, done.stderr
        keys = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("  key ")]
        assert len(keys) == 1, done.stdout  # one usable key, and nothing left of the one before
        return {"keyUrl": keys[0]}

    def world(self, vault="kv-test"):
        """Group, identity, vault, key, and the identity's role on the vault; the key's URL."""
        self.make_group()
        identity = self.make_identity()
        self.make_vault(vault)
        granted = self.assign(self.id("Microsoft.KeyVault/vaults", vault), identity["principalId"], ENCRYPTION_USER)
        assert granted.status == 201, granted
        return self.make_key(vault)


class Tenant:
    """Another tenant of an instance with its administrator, made as an operator does."""

    def __init__(self, cloud, name, domain=None):
        options = ["--domain", domain] if domain else []
        done = cloud.command("tenant", "--data-dir", cloud.dir, "create", "--name", name, *options)
        assert done.returncode == 0, done.stderr
        facts = dict(line.split(None, 1) for line in done.stdout.splitlines())
        self.cloud, self.id, self.domain, self.file = cloud, facts["tenant"], facts["domain"], facts["credentials"]
        with open(self.file) as f:
            self.administrator = json.load(f)

    def token(self, resource="https://management.azure.com"):
        answer = self.cloud.token_answer(resource, self.id, self.administrator["clientId"], self.administrator["clientSecret"])
        assert answer.status == 200, answer
        return answer.json["access_token"]

    def arm(self, method, path, version, body=None):
        return self.cloud.arm(method, path, version, body, self.token())


class Case(unittest.TestCase):
    maxDiff = None

    def refuse(self, answer, status, code, words=""):
        self.assertEqual((answer.status, answer.code), (status, code), answer)
        self.assertIn(words, answer.message)
        return answer

    def good(self, answer, status=200):
        self.assertEqual(answer.status, status, answer)
        return answer.json
