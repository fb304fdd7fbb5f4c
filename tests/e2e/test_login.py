#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signing in: people by device code, applications by certificate and by tokens of outside issuers, commands by an identity."""

import base64
import hashlib
import http.server
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import uuid

from harness import COMMAND, LOGIN, READER, Instance

CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "api://AzureADTokenExchange"
ALICE = "aaaaaaaa-0000-4000-8000-000000000001"
NAME = "alice@custodisk.onmicrosoft.com"


def setUpModule():
    global cloud, files
    files = tempfile.TemporaryDirectory(prefix="cdk-login-")
    cloud = Instance()
    cloud.up()
    cloud.sql("INSERT INTO users (object_id, tenant_id, upn, display_name, enabled, created, body) VALUES (?, ?, ?, 'Alice', 1, 0, '{}')",
        ALICE, cloud.tenant, NAME)


def tearDownModule():
    cloud.__exit__()
    files.cleanup()


def post(path, tenant=None, **form):
    return cloud.send("POST", LOGIN, f"/{tenant or cloud.tenant}{path}", urllib.parse.urlencode(form).encode(),
                      {"Content-Type": "application/x-www-form-urlencoded"})


def token_request(tenant=None, **form):
    return post("/oauth2/v2.0/token", tenant, **form)


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout


def path(name):
    return os.path.join(files.name, name)


def make_certificate(name, *options):
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path(name + ".key"), "-out", path(name + ".pem"),
            "-days", "30", "-subj", f"/CN={name}", *options)
    return openssl("x509", "-in", path(name + ".pem"), "-outform", "DER")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(key, header, claims):
    text = b64(json.dumps({"alg": "RS256", "typ": "JWT", **header}).encode()) + "." + b64(json.dumps(claims).encode())
    return text + "." + b64(openssl("dgst", "-sha256", "-sign", path(key + ".key"), data=text.encode()))


def application():
    return cloud.sql("SELECT object_id FROM applications WHERE app_id = ?", cloud.client)[0][0]


def trust(owner, issuer, subject, audience=EXCHANGE):
    identity = str(uuid.uuid4())
    cloud.sql("INSERT INTO federated_credentials (id, owner, name, issuer, subject, audience, created) VALUES (?, ?, ?, ?, ?, ?, 0)",
        identity, owner, identity, issuer, subject, audience)


class Case(unittest.TestCase):
    def refuse(self, answer, error, code):
        self.assertEqual((answer.json.get("error"), answer.json.get("error_codes")), (error, [code]), answer)

    def with_assertion(self, assertion, tenant=None, client=None):
        return token_request(tenant, grant_type="client_credentials", client_id=client or cloud.client,
                             client_assertion_type=ASSERTION, client_assertion=assertion, scope="https://vault.azure.net/.default")


class People(Case):
    def start(self, tenant="organizations"):
        answer = post("/oauth2/v2.0/devicecode", tenant, client_id=CLI,
                      scope="https://management.core.windows.net//.default offline_access openid profile")
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def poll(self, flow, tenant="organizations"):
        return token_request(tenant, grant_type="urn:ietf:params:oauth:grant-type:device_code", client_id=CLI,
                             device_code=flow["device_code"], client_info="1")

    def sign_in(self, *arguments):
        return cloud.command("sign-in", "--data-dir", cloud.dir, *arguments)

    def test_device_code(self):
        flow = self.start()
        self.refuse(self.poll(flow), "authorization_pending", 70016)
        done = self.sign_in(flow["user_code"], "--user", NAME.upper())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Microsoft Azure CLI", done.stdout)
        answer = self.poll(flow)
        self.assertEqual(answer.status, 200, answer)
        token = answer.json["access_token"]
        # A person has the rights that the person was given, and no others.
        refused = cloud.arm("GET", cloud.group("custodisk-system"), "2024-03-01", token=token)
        self.assertEqual((refused.status, refused.code), (403, "AuthorizationFailed"), refused)
        granted = cloud.arm("PUT", f"{cloud.scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}", "2022-04-01", {
            "properties": {"principalId": ALICE, "principalType": "User",
                           "roleDefinitionId": f"{cloud.scope}/providers/Microsoft.Authorization/roleDefinitions/{READER}"}})
        self.assertEqual(granted.status, 201, granted)
        self.assertEqual(cloud.arm("GET", cloud.group("custodisk-system"), "2024-03-01", token=token).status, 200)
        again = token_request(cloud.tenant, grant_type="refresh_token", client_id=CLI,
                              refresh_token=answer.json["refresh_token"], scope="https://vault.azure.net/.default")
        self.assertEqual(cloud.claims(again.json["access_token"])["upn"], NAME)
        cloud.sql("UPDATE users SET enabled = 0 WHERE object_id = ?", ALICE)
        try:
            self.assertEqual(cloud.arm("GET", cloud.group("custodisk-system"), "2024-03-01", token=token).status, 401)
            self.refuse(token_request(cloud.tenant, grant_type="refresh_token", client_id=CLI, scope="openid",
                                      refresh_token=again.json.get("refresh_token", answer.json["refresh_token"])),
                        "invalid_grant", 50057)
        finally:
            cloud.sql("UPDATE users SET enabled = 1 WHERE object_id = ?", ALICE)

    def test_declined(self):
        flow = self.start()
        self.assertEqual(self.sign_in(flow["user_code"], "--decline").returncode, 0)
        self.refuse(self.poll(flow), "authorization_declined", 65004)

    def test_command_refuses(self):
        flow = self.start()
        for arguments, status in (((flow["user_code"],), 2), (("--user", NAME), 2), ((flow["user_code"], "--user", NAME, "--decline"), 2),
                                  ((flow["user_code"], "--user", "nobody@custodisk.onmicrosoft.com"), 1), (("ZZZZZZZZZ", "--user", NAME), 1)):
            self.assertEqual(self.sign_in(*arguments).returncode, status, arguments)
        self.refuse(self.poll(flow), "authorization_pending", 70016)

    def test_nobody_else_may_answer(self):
        flow = self.start()
        with open(os.path.join(cloud.dir, "host.json")) as f:
            host = json.load(f)
        token = cloud.token_answer(client=host["clientId"], secret=host["clientSecret"]).json["access_token"]
        for headers, status in (({}, 401), ({"Authorization": "Bearer " + token}, 403)):
            answer = cloud.send("POST", LOGIN, "/custodisk/devicecodes", {"user_code": flow["user_code"], "user": NAME}, headers)
            self.assertEqual(answer.status, status, answer)

    def test_tenant_by_domain(self):
        self.assertEqual(self.start("custodisk.onmicrosoft.com")["interval"], 5)
        self.assertEqual(post("/oauth2/v2.0/devicecode", "unknown.onmicrosoft.com", client_id=CLI, scope="openid").status, 400)


class Certificates(Case):
    def test_certificate(self):
        der = make_certificate("app")
        sha1, sha256 = hashlib.sha1(der), hashlib.sha256(der)
        cloud.sql("INSERT INTO application_certificates (key_id, app_id, thumbprint, thumbprint_sha256, certificate, not_before, not_after)"
            " VALUES (?, ?, ?, ?, ?, 0, ?)", str(uuid.uuid4()), cloud.client, sha1.hexdigest(), sha256.hexdigest(), der,
            int(time.time()) + 86400)
        endpoint = f"https://{LOGIN}/{cloud.tenant}/oauth2/v2.0/token"
        claims = {"aud": endpoint, "iss": cloud.client, "sub": cloud.client, "exp": time.time() + 600, "jti": str(uuid.uuid4())}
        for header in ({"x5t": base64.urlsafe_b64encode(sha1.digest()).decode()}, {"x5t#S256": b64(sha256.digest())}):
            answer = self.with_assertion(sign("app", header, claims))
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(cloud.claims(answer.json["access_token"])["appidacr"], "2")
        late = {**claims, "exp": time.time() - 400}
        self.refuse(self.with_assertion(sign("app", {"x5t": b64(sha1.digest())}, late)), "invalid_client", 700024)
        make_certificate("other")
        self.refuse(self.with_assertion(sign("other", {"x5t": b64(sha1.digest())}, claims)), "invalid_client", 700027)


class Issuer:
    """An outside issuer: HTTPS on a port of this machine, with a certificate of its own."""

    def __init__(self):
        make_certificate("issuer", "-addext", "subjectAltName=IP:127.0.0.1")
        self.asked, self.keys, self.document = [], {}, {}
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked.append(self.path)
                body = json.dumps({"keys": list(issuer.keys.values())} if self.path == "/keys" else issuer.document).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path("issuer.pem"), path("issuer.key"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        self.document = {"issuer": self.url, "jwks_uri": self.url + "/keys"}
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def publish(self, kid):
        make_certificate(kid)
        modulus = openssl("rsa", "-in", path(kid + ".key"), "-noout", "-modulus").decode().strip().split("=")[1]
        self.keys[kid] = {"kty": "RSA", "use": "sig", "kid": kid, "n": b64(bytes.fromhex(modulus)), "e": "AQAB"}

    def token(self, kid, subject="repo:contoso/app:ref", **claims):
        return sign(kid, {"kid": kid}, {"iss": self.url, "sub": subject, "aud": EXCHANGE, "exp": int(time.time()) + 600, **claims})

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class OutsideIssuers(Case):
    def setUp(self):
        self.issuer = Issuer()
        self.addCleanup(self.issuer.close)
        self.issuer.publish("one")
        trust(application(), self.issuer.url, "repo:contoso/app:ref")

    def certify(self):
        target = os.path.join(cloud.dir, "issuers.pem")
        with open(path("issuer.pem")) as source, open(target, "w") as copy:
            copy.write(source.read())
        self.addCleanup(os.remove, target)

    def test_private_address_needs_the_operators_word(self):
        self.refuse(self.with_assertion(self.issuer.token("one")), "invalid_request", 50166)
        self.assertEqual(self.issuer.asked, [])

    def test_token(self):
        self.certify()
        answer = self.with_assertion(self.issuer.token("one"))
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(cloud.claims(answer.json["access_token"])["appid"], cloud.client)
        self.assertEqual(self.issuer.asked, ["/.well-known/openid-configuration", "/keys"])
        # What was fetched is kept, also against whoever makes key names up.
        self.assertEqual(self.with_assertion(self.issuer.token("one")).status, 200)
        make_certificate("made-up")
        self.refuse(self.with_assertion(self.issuer.token("made-up")), "invalid_client", 7000272)
        self.assertEqual(len(self.issuer.asked), 2)
        forged = sign("made-up", {"kid": "one"}, {"iss": self.issuer.url, "sub": "repo:contoso/app:ref", "aud": EXCHANGE,
                                                   "exp": int(time.time()) + 600})
        self.refuse(self.with_assertion(forged), "invalid_client", 50013)
        self.refuse(self.with_assertion(self.issuer.token("one", exp=int(time.time()) - 400)), "invalid_client", 700024)
        self.refuse(self.with_assertion(self.issuer.token("one", subject="repo:contoso/other")), "invalid_client", 700213)

    def test_another_tenants_many_issuers_take_nothing_away(self):
        self.certify()
        self.assertEqual(self.with_assertion(self.issuer.token("one")).status, 200)
        tenant = str(uuid.uuid4())
        made = cloud.arm("PUT", f"/providers/Custodisk.Directory/tenants/{tenant}", "2026-11-01", {"properties": {"displayName": "Many"}})
        first = made.json["properties"]["administrator"]
        token = cloud.token_answer("https://graph.microsoft.com", tenant, first["clientId"], first["clientSecret"]).json["access_token"]

        def graph(path, body):
            answer = cloud.send("POST", "graph.microsoft.com", "/v1.0" + path, body, {"Authorization": "Bearer " + token})
            self.assertEqual(answer.status, 201, answer)
            return answer.json
        for n in range(2):
            app = graph("/applications", {"displayName": "many"})
            graph("/servicePrincipals", {"appId": app["appId"]})
            for i in range(20):
                url = f"https://127.0.0.1:1/{n}/{i}"
                graph(f"/applications/{app['id']}/federatedIdentityCredentials", {"name": f"name{i}", "issuer": url, "subject": "s",
                                                                                 "audiences": [EXCHANGE]})
                shown = sign("one", {"kid": "one"}, {"iss": url, "sub": "s", "aud": EXCHANGE, "exp": int(time.time()) + 600})
                self.refuse(self.with_assertion(shown, tenant, app["appId"]), "invalid_request", 50166)
        self.assertEqual(self.with_assertion(self.issuer.token("one")).status, 200)
        self.assertEqual(len(self.issuer.asked), 2)

    def test_configuration_of_somebody_else(self):
        self.certify()
        self.issuer.document["issuer"] = "https://other.example"
        self.refuse(self.with_assertion(self.issuer.token("one")), "invalid_request", 50166)


class Identities(Case):
    def test_command_with_an_identity(self):
        cloud.make_group()
        identity = cloud.make_identity("worker")
        script = ("import json, os, urllib.request as u\n"
                  "q = '?api-version=%s&resource=https://vault.azure.net'\n"
                  "open = u.build_opener(u.ProxyHandler({})).open\n"
                  "a = open(u.Request('http://169.254.169.254/metadata/identity/oauth2/token' + q % '2018-02-01', headers={'Metadata': 'true'}))\n"
                  "b = open(u.Request(os.environ['IDENTITY_ENDPOINT'] + q % '2019-08-01',"
                  " headers={'X-IDENTITY-HEADER': os.environ['IDENTITY_HEADER']}))\n"
                  "print(json.dumps([json.load(a)['access_token'], json.load(b)['access_token'], 'AZURE_CLIENT_SECRET' in os.environ]))\n")
        identity_id = cloud.id("Microsoft.ManagedIdentity/userAssignedIdentities", "worker")
        done = subprocess.run([COMMAND, "run", "--data-dir", cloud.dir, "--identity", identity_id, "--", sys.executable, "-c", script],
                              text=True, capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        machine, service, secret = json.loads(done.stdout)
        for token in (machine, service):
            self.assertEqual(cloud.claims(token)["oid"], identity["principalId"])
        self.assertFalse(secret)
        absent = subprocess.run([COMMAND, "run", "--data-dir", cloud.dir, "--identity", identity_id + "x", "--", "true"],
                                text=True, capture_output=True, timeout=120)
        self.assertEqual(absent.returncode, 125)
        self.assertIn("was not found", absent.stderr)
        # Who is not in that namespace is nobody.
        answer = cloud.send("GET", "169.254.169.254", "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net",
                            None, {"Metadata": "true"}, plain=True)
        self.assertEqual(answer.json["error_description"], "Identity not found", answer)


if __name__ == "__main__":
    unittest.main(verbosity=2)
