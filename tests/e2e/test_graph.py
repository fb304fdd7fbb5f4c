#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Microsoft Graph: applications, service principals, users, groups, directory roles, and who may do what with them."""

import base64
import hashlib
import os
import subprocess
import tempfile
import unittest
import urllib.parse
import uuid

import harness
from harness import IDENTITIES, LOGIN, READER, Instance

GRAPH = "graph.microsoft.com"
RESOURCE = "https://graph.microsoft.com"
ORCHESTRATOR = "bf7b6499-ff71-4aa2-97a4-f372087be7f0"
KEY_VAULT = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
READERS = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
APPLICATION_ADMINISTRATOR = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"
EXCHANGE = "api://AzureADTokenExchange"


def setUpModule():
    global cloud
    cloud = Instance()
    cloud.up()
    cloud.make_group()


def tearDownModule():
    cloud.down()
    cloud.__exit__()


def graph(method, path, body=None, token=None, headers=None, version="v1.0"):
    path = urllib.parse.quote(path, safe="/?&=$'()@,:;%") if " " in path else path
    return cloud.send(method, GRAPH, f"/{version}{path}", body,
                      {"Authorization": "Bearer " + (token or cloud.token(RESOURCE)), **(headers or {})})


def filtered(collection, expression, **options):
    return graph("GET", f"/{collection}?$filter=" + urllib.parse.quote(expression, safe=""), **options)


def make_app(name="app", **properties):
    answer = graph("POST", "/applications", {"displayName": name, **properties})
    assert answer.status == 201, answer
    return answer.json


def make_principal(app_id):
    answer = graph("POST", "/servicePrincipals", {"appId": app_id})
    assert answer.status == 201, answer
    return answer.json


def make_group(name="group"):
    answer = graph("POST", "/groups", {"displayName": name, "mailEnabled": False, "mailNickname": name, "securityEnabled": True})
    assert answer.status == 201, answer
    return answer.json


def make_user(name):
    answer = graph("POST", "/users", {
        "displayName": name, "accountEnabled": True, "mailNickname": name, "userPrincipalName": f"{name}@custodisk.onmicrosoft.com",
        "passwordProfile": {"password": "Correct horse 1"}})
    assert answer.status == 201, answer
    return answer.json


def make_client(name="client"):
    """An application with a service principal and a secret; its Graph token and its parts."""
    app = make_app(name)
    principal = make_principal(app["appId"])
    secret = graph("POST", f"/applications/{app['id']}/addPassword", {"passwordCredential": {"displayName": "x"}}).json["secretText"]
    answer = cloud.token_answer(RESOURCE, client=app["appId"], secret=secret)
    assert answer.status == 200, answer
    return answer.json["access_token"], app, principal


def grant(principal, role, token=None):
    return graph("POST", "/roleManagement/directory/roleAssignments",
                 {"principalId": principal, "roleDefinitionId": role, "directoryScopeId": "/"}, token)


def reference(id_):
    return {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{id_}"}


class Case(harness.Case):
    def refuse(self, answer, status, code, words=""):
        super().refuse(answer, status, code, words)
        inner = answer.json["error"]["innerError"]
        self.assertEqual(set(inner), {"date", "request-id", "client-request-id"})
        self.assertEqual(inner["request-id"], answer.headers["request-id"])

    def ids(self, answer):
        return [v["id"] for v in self.good(answer)["value"]]


class Face(Case):
    def test_tokens(self):
        self.refuse(cloud.send("GET", GRAPH, "/v1.0/applications"), 401, "InvalidAuthenticationToken", "Access token is empty.")
        self.refuse(graph("GET", "/applications", token="x.y.z"), 401, "InvalidAuthenticationToken")
        self.refuse(graph("GET", "/applications", token=cloud.token()), 401, "InvalidAuthenticationToken", "Invalid audience")
        for resource in ("https://graph.microsoft.com/", RESOURCE):
            self.good(graph("GET", "/organization", token=cloud.token(resource)))

    def test_paths(self):
        self.refuse(graph("GET", "/nothing"), 400, "BadRequest", "Resource not found for the segment")
        self.refuse(graph("PUT", "/applications"), 405, "Request_BadRequest")
        self.refuse(cloud.send("GET", GRAPH, "/v3.0/users", None, {"Authorization": "Bearer " + cloud.token(RESOURCE)}), 400,
                    "BadRequest")
        self.refuse(graph("GET", "/applications(nonsense='x')"), 400, "BadRequest")
        self.refuse(graph("GET", "/applications(appId='x"), 400, "BadRequest")
        self.refuse(graph("GET", "/applications/not-a-guid"), 400, "Request_BadRequest", "Invalid object identifier")
        self.refuse(graph("POST", "/applications", b"[]"), 400, "BadRequest")
        self.refuse(graph("POST", "/applications", b"{"), 400, "BadRequest")
        self.good(graph("GET", "/applications", version="beta"))
        self.assertTrue(graph("GET", "/applications", version="beta").json["@odata.context"].startswith(
            "https://graph.microsoft.com/beta/$metadata"))
        mine = str(uuid.uuid4())
        self.assertEqual(graph("GET", "/nothing", headers={"client-request-id": mine}).json["error"]["innerError"]
                         ["client-request-id"], mine)

    def test_the_tenant(self):
        organization = self.good(graph("GET", "/organization"))["value"][0]
        self.assertEqual((organization["id"], organization["displayName"]), (cloud.tenant, "custodisk"))
        self.assertEqual(organization["verifiedDomains"][0]["name"], "custodisk.onmicrosoft.com")
        self.assertEqual(self.good(graph("GET", f"/organization/{cloud.tenant}"))["id"], cloud.tenant)
        self.refuse(graph("GET", f"/organization/{uuid.uuid4()}"), 404, "Request_ResourceNotFound")
        self.assertEqual(self.good(graph("GET", "/domains"))["value"][0]["id"], "custodisk.onmicrosoft.com")
        self.good(graph("GET", "/domains/custodisk.onmicrosoft.com"))
        for path in ("/organization", f"/organization/{cloud.tenant}", "/domains", "/domains/custodisk.onmicrosoft.com"):
            found = self.good(graph("GET", path + "?$select=id"))
            self.assertEqual([k for k in found.get("value", [found])[0] if not k.startswith("@")], ["id"])
            self.refuse(graph("GET", path + "?$select=id,nothing"), 400, "BadRequest", "'nothing'")
            self.refuse(graph("GET", path + "?$select="), 400, "BadRequest")
        self.refuse(graph("GET", "/domains/contoso.com"), 404, "Request_ResourceNotFound")

    def test_me_is_a_person(self):
        for path in ("/me", "/me/ownedObjects"):
            self.refuse(graph("GET", path), 400, "BadRequest", "/me request is only valid with delegated authentication flow.")


class Applications(Case):
    def test_life(self):
        answer = graph("POST", "/applications", {"displayName": "Life", "signInAudience": "AzureADMultipleOrgs",
                                                 "web": {"redirectUris": ["https://localhost/x"]}, "tags": ["t"]})
        app = self.good(answer, 201)
        self.assertEqual(app["@odata.context"], "https://graph.microsoft.com/v1.0/$metadata#applications/$entity")
        self.assertEqual((app["signInAudience"], app["publisherDomain"], app["deletedDateTime"]),
                         ("AzureADMultipleOrgs", "custodisk.onmicrosoft.com", None))
        self.assertEqual((app["passwordCredentials"], app["keyCredentials"], app["identifierUris"]), ([], [], []))
        by_id = self.good(graph("GET", f"/applications/{app['id']}"))
        by_app = self.good(graph("GET", f"/applications(appId='{app['appId']}')"))
        self.assertEqual(by_id, app)
        self.assertEqual(by_app, app)
        self.assertEqual(graph("PATCH", f"/applications/{app['id']}", {
            "displayName": "Changed", "web": {"homePageUrl": "https://x"}, "notes": "n"}).status, 204)
        changed = self.good(graph("GET", f"/applications/{app['id']}"))
        # What is complex is merged.
        self.assertEqual((changed["displayName"], changed["notes"], changed["web"]["homePageUrl"], changed["web"]["redirectUris"]),
                         ("Changed", "n", "https://x", ["https://localhost/x"]))
        self.assertEqual(self.ids(graph("GET", f"/applications/{app['id']}/owners")), [cloud.claims(cloud.token(RESOURCE))["oid"]])
        self.assertEqual(graph("DELETE", f"/applications/{app['id']}").status, 204)
        self.refuse(graph("GET", f"/applications/{app['id']}"), 404, "Request_ResourceNotFound")
        self.refuse(graph("DELETE", f"/applications/{app['id']}"), 404, "Request_ResourceNotFound")

    def test_deleted_and_restored(self):
        app = make_app("gone")
        principal = make_principal(app["appId"])
        graph("DELETE", f"/applications/{app['id']}")
        self.refuse(graph("GET", f"/servicePrincipals/{principal['id']}"), 404, "Request_ResourceNotFound")
        self.assertIn(app["id"], self.ids(graph("GET", "/directory/deletedItems/microsoft.graph.application")))
        self.assertIsNotNone(self.good(graph("GET", f"/directory/deletedItems/{app['id']}"))["deletedDateTime"])
        self.assertIsNone(self.good(graph("POST", f"/directory/deletedItems/{app['id']}/restore"))["deletedDateTime"])
        self.good(graph("GET", f"/applications/{app['id']}"))
        self.refuse(graph("POST", f"/directory/deletedItems/{app['id']}/restore"), 404, "Request_ResourceNotFound")
        graph("DELETE", f"/applications/{app['id']}")
        self.assertEqual(graph("DELETE", f"/directory/deletedItems/{app['id']}").status, 204)
        self.refuse(graph("GET", f"/directory/deletedItems/{app['id']}"), 404, "Request_ResourceNotFound")

    def test_what_is_wrong(self):
        app = make_app("wrong")
        self.refuse(graph("POST", "/applications", {}), 400, "Request_BadRequest", "displayName")
        path = f"/applications/{app['id']}"
        for body, words in (({"displayName": ""}, "displayName"), ({"displayName": "x" * 121}, "displayName"),
                            ({"displayName": None}, "displayName"), ({"signInAudience": "Everyone"}, "signInAudience"),
                            ({"signInAudience": "PersonalMicrosoftAccount"}, "signInAudience"), ({"tags": "x"}, "tags"),
                            ({"web": []}, "web"), ({"web": {"redirectUris": "x"}}, "redirectUris"),
                            ({"web": {"redirectUris": ["javascript:alert(1)"]}}, "redirectUris"),
                            ({"appId": str(uuid.uuid4())}, "read-only"), ({"nonsense": 1}, "Invalid property 'nonsense'."),
                            ({"appRoles": [{"id": "x"}]}, "appRoles"), ({"requiredResourceAccess": [{}]}, "requiredResourceAccess"),
                            ({"passwordCredentials": [{"secretText": "mine"}]}, "service actions"),
                            ({"notes": "n" * 1025}, "notes"), ({"isFallbackPublicClient": "yes"}, "isFallbackPublicClient")):
            self.refuse(graph("PATCH", path, body), 400, "Request_BadRequest", words)
        before = {**app}
        self.assertEqual(self.good(graph("GET", path)), before)

    def test_identifier_uris(self):
        app, other = make_app("uris"), make_app("uris-2")
        path = f"/applications/{app['id']}"
        for uri in ("https://contoso.com/x", "api://somebody-else", "https://xcustodisk.onmicrosoft.com", "api://", "nonsense",
                    f"api://{other['appId']}", "https://custodisk.onmicrosoft.com.evil.example/x"):
            self.refuse(graph("PATCH", path, {"identifierUris": [uri]}), 400, "HostNameNotOnVerifiedDomain")
        good = ["https://custodisk.onmicrosoft.com/x", f"api://{app['appId']}", f"api://{cloud.tenant}/x"]
        self.assertEqual(graph("PATCH", path, {"identifierUris": good}).status, 204)
        self.refuse(graph("PATCH", f"/applications/{other['id']}", {"identifierUris": good[:1]}), 400,
                    "Request_MultipleObjectsWithSameKeyValue", "identifierUris")
        self.assertEqual(self.ids(filtered("applications", f"identifierUris/any(s:s eq '{good[0]}')")), [app["id"]])
        principal = make_principal(app["appId"])
        self.assertEqual(principal["servicePrincipalNames"], [app["appId"], *good])
        self.assertEqual(self.ids(filtered("servicePrincipals", f"servicePrincipalNames/any(c:c eq '{good[2]}')")),
                         [principal["id"]])

    def test_secrets(self):
        app = make_app("secrets")
        path = f"/applications/{app['id']}"
        made = self.good(graph("POST", path + "/addPassword", {"passwordCredential": {
            "displayName": "rbac", "startDateTime": "2020-01-01T00:00:00Z", "endDateTime": "2199-01-01T00:00:00Z"}}))
        self.assertEqual((made["displayName"], made["endDateTime"], made["hint"]), ("rbac", "2199-01-01T00:00:00Z", made["secretText"][:3]))
        shown = self.good(graph("GET", path))["passwordCredentials"]
        self.assertEqual([(s["keyId"], s["secretText"], s["hint"]) for s in shown], [(made["keyId"], None, made["hint"])])
        # Only with a service principal does anybody sign in.
        self.assertNotEqual(cloud.token_answer(RESOURCE, client=app["appId"], secret=made["secretText"]).status, 200)
        principal = make_principal(app["appId"])
        self.assertEqual(cloud.token_answer(RESOURCE, client=app["appId"], secret=made["secretText"]).status, 200)
        own = self.good(graph("POST", f"/servicePrincipals/{principal['id']}/addPassword"))
        self.assertEqual(cloud.token_answer(RESOURCE, client=app["appId"], secret=own["secretText"]).status, 200)
        self.assertEqual(len(self.good(graph("GET", path))["passwordCredentials"]), 1)
        self.assertEqual(len(self.good(graph("GET", f"/servicePrincipals/{principal['id']}"))["passwordCredentials"]), 1)
        self.refuse(graph("POST", path + "/removePassword", {"keyId": str(uuid.uuid4())}), 400, "Request_BadRequest",
                    "No password credential found with keyId.")
        self.refuse(graph("POST", path + "/removePassword", {}), 400, "Request_BadRequest", "keyId")
        for wrong in ({"endDateTime": "2001-01-01T00:00:00Z"}, {"startDateTime": "2030-01-01T00:00:00Z", "endDateTime": "2029-01-01T00:00:00Z"}):
            self.refuse(graph("POST", path + "/addPassword", {"passwordCredential": wrong}), 400, "CredentialInvalidEndDate")
        self.refuse(graph("POST", path + "/addPassword", {"passwordCredential": {"endDateTime": "tomorrow"}}), 400, "Request_BadRequest")
        self.assertEqual(graph("POST", path + "/removePassword", {"keyId": made["keyId"]}).status, 204)
        self.assertNotEqual(cloud.token_answer(RESOURCE, client=app["appId"], secret=made["secretText"]).status, 200)

    def test_lists(self):
        names = [f"list-{i}" for i in range(5)]
        apps = {n: make_app(n) for n in names}
        page = graph("GET", "/applications?$filter=startswith(displayName,'list-')&$top=2&$orderby=displayName&$select=id,displayName")
        seen = []
        while True:
            document = self.good(page)
            self.assertLessEqual(len(document["value"]), 2)
            seen += document["value"]
            if "@odata.nextLink" not in document:
                break
            link = document["@odata.nextLink"]
            self.assertTrue(link.startswith("https://graph.microsoft.com/v1.0/applications?"))
            page = graph("GET", link[len("https://graph.microsoft.com/v1.0"):])
        self.assertEqual(seen, [{"id": apps[n]["id"], "displayName": n} for n in names])
        counted = graph("GET", "/applications?$filter=startswith(displayName,'LIST-')&$count=true&$top=1",
                        headers={"ConsistencyLevel": "eventual"})
        self.assertEqual((counted.json["@odata.count"], len(counted.json["value"])), (5, 1))
        found = graph("GET", '/applications?$search="displayName:ist-3"', headers={"ConsistencyLevel": "eventual"})
        self.assertEqual(self.ids(found), [apps["list-3"]["id"]])
        total = graph("GET", "/applications/$count?$filter=displayName in ('list-1','list-2')", headers={"ConsistencyLevel": "eventual"})
        self.assertEqual((total.status, total.text), (200, "2"))
        for query, code in (("$top=0", "Request_UnsupportedQuery"), ("$top=1000", "Request_UnsupportedQuery"),
                            ("$expand=owners", "Request_UnsupportedQuery"), ("$orderby=appId", "Request_UnsupportedQuery"),
                            ('$search="displayName:x"', "Request_UnsupportedQuery"), ("$select=nonsense", "BadRequest"),
                            ("$skiptoken=nonsense", "Directory_ExpiredPageToken"), ("$filter=nonsense eq 'x'", "BadRequest"),
                            ("$filter=displayName eq", "BadRequest"), ("$filter=contains(displayName,'x')", "Request_UnsupportedQuery"),
                            ("$filter=web eq 'x'", "Request_UnsupportedQuery")):
            self.refuse(graph("GET", "/applications?" + query), 400, code)

    def test_federated_credentials(self):
        app = make_app("federated")
        path = f"/applications/{app['id']}/federatedIdentityCredentials"
        body = {"name": "main", "issuer": "https://issuer.example/v2.0", "subject": "me", "description": "d", "audiences": [EXCHANGE]}
        made = self.good(graph("POST", path, body), 201)
        self.assertEqual({k: made[k] for k in body}, body)
        self.assertEqual(made["@odata.context"], "https://graph.microsoft.com/v1.0/$metadata#applications('"
                         f"{app['id']}')/federatedIdentityCredentials/$entity")
        for one in (made["id"], "main"):
            self.assertEqual(self.good(graph("GET", f"{path}/{one}")), made)
        self.assertEqual(self.good(graph("GET", f"/applications(appId='{app['appId']}')/federatedIdentityCredentials"))["value"][0]["id"],
                         made["id"])
        self.assertEqual(self.ids(graph("GET", path + "?$filter=subject%20eq%20'nobody'")), [])
        self.refuse(graph("POST", path, {**body, "subject": "you"}), 409, "Request_MultipleObjectsWithSameKeyValue",
                    "FederatedIdentityCredential with name main already exists.")
        self.refuse(graph("POST", path, {**body, "name": "other"}), 400, "InvalidFederatedIdentityCredentialValue",
                    "The combination of issuer and subject must be unique for the application.")
        for wrong in ({"audiences": []}, {"audiences": ["a", "b"]}, {"audiences": "a"}, {"issuer": 1}, {"subject": "x" * 601}, {"nonsense": 1}):
            self.refuse(graph("POST", path, {**body, "name": "wrong", "subject": "w", **wrong}), 400, "Request_BadRequest")
        for wrong in ({"name": "a"}, {"name": "a b c"}, {"subject": ""}, {"issuer": ""}):
            self.refuse(graph("POST", path, {**body, "name": "wrong", "subject": "w", **wrong}), 400,
                        "InvalidFederatedIdentityCredentialValue")
        for missing in ("name", "issuer", "subject", "audiences"):
            self.refuse(graph("POST", path, {k: v for k, v in body.items() if k != missing}), 400, "Request_BadRequest", missing)
        self.assertEqual(graph("PATCH", f"{path}/main", {"subject": "you", "description": None}).status, 204)
        changed = self.good(graph("GET", f"{path}/main"))
        self.assertEqual((changed["subject"], changed["description"]), ("you", None))
        self.refuse(graph("PATCH", f"{path}/main", {"name": "new"}), 400, "Request_BadRequest", "name")
        for i in range(19):
            self.good(graph("POST", path, {**body, "name": f"more-{i}", "subject": f"more-{i}"}), 201)
        self.refuse(graph("POST", path, {**body, "name": "one-more", "subject": "one-more"}), 400, "Request_BadRequest", "20")
        self.assertEqual(graph("DELETE", f"{path}/main").status, 204)
        self.refuse(graph("DELETE", f"{path}/main"), 404, "Request_ResourceNotFound")
        self.refuse(graph("GET", f"{path}/main"), 404, "Request_ResourceNotFound")

    def test_owners(self):
        app, user = make_app("owned"), make_user("owner")
        path = f"/applications/{app['id']}/owners"
        self.assertEqual(graph("POST", path + "/$ref", reference(user["id"])).status, 204)
        self.refuse(graph("POST", path + "/$ref", reference(user["id"])), 400, "Request_BadRequest",
                    "One or more added object references already exist for the following modified properties: 'owners'.")
        owners = self.good(graph("GET", path))["value"]
        self.assertEqual({o["@odata.type"] for o in owners}, {"#microsoft.graph.user", "#microsoft.graph.servicePrincipal"})
        self.assertEqual(self.ids(graph("GET", f"/users/{user['id']}/ownedObjects")), [app["id"]])
        self.refuse(graph("POST", path + "/$ref", reference(uuid.uuid4())), 404, "Request_ResourceNotFound")
        self.refuse(graph("POST", path + "/$ref", {"@odata.id": "https://evil.example/" + user["id"]}), 400, "Request_BadRequest")
        self.refuse(graph("POST", path + "/$ref", reference(make_group("owner-group")["id"])), 400, "Request_BadRequest")
        self.assertEqual(graph("DELETE", f"{path}/{user['id']}/$ref").status, 204)
        self.refuse(graph("DELETE", f"{path}/{user['id']}/$ref"), 404, "Request_ResourceNotFound")


class Principals(Case):
    def test_life(self):
        app = make_app("principal")
        principal = make_principal(app["appId"])
        self.assertEqual((principal["displayName"], principal["appDisplayName"], principal["appOwnerOrganizationId"],
                          principal["servicePrincipalType"], principal["servicePrincipalNames"], principal["accountEnabled"]),
                         ("principal", "principal", cloud.tenant, "Application", [app["appId"]], True))
        self.refuse(graph("POST", "/servicePrincipals", {"appId": app["appId"]}), 409, "Request_MultipleObjectsWithSameKeyValue",
                    f"service principal name {app['appId']} is already in use")
        self.assertEqual(self.ids(filtered("servicePrincipals", f"servicePrincipalNames/any(c:c eq '{app['appId']}')")), [principal["id"]])
        self.assertEqual(self.good(graph("GET", f"/servicePrincipals(appId='{app['appId']}')"))["id"], principal["id"])
        self.assertEqual(graph("PATCH", f"/servicePrincipals/{principal['id']}", {"accountEnabled": False, "tags": ["x"]}).status, 204)
        self.assertEqual(self.good(graph("GET", f"/servicePrincipals/{principal['id']}"))["accountEnabled"], False)
        for path in ("appRoleAssignments", "appRoleAssignedTo", "memberOf", "transitiveMemberOf"):
            self.assertEqual(self.good(graph("GET", f"/servicePrincipals/{principal['id']}/{path}"))["value"], [])
        self.assertEqual(graph("DELETE", f"/servicePrincipals/{principal['id']}").status, 204)
        self.refuse(graph("GET", f"/servicePrincipals/{principal['id']}"), 404, "Request_ResourceNotFound")
        self.good(graph("GET", f"/applications/{app['id']}"))

    def test_of_nothing(self):
        self.refuse(graph("POST", "/servicePrincipals", {"appId": str(uuid.uuid4())}), 400, "Request_BadRequest",
                    "does not reference a valid application object")
        self.refuse(graph("POST", "/servicePrincipals", {"appId": "x"}), 400, "Request_BadRequest", "appId")
        self.refuse(graph("POST", "/servicePrincipals", {}), 400, "Request_BadRequest", "appId")

    def test_microsofts_own(self):
        vault = self.good(graph("GET", f"/servicePrincipals(appId='{KEY_VAULT}')"))
        self.assertEqual((vault["displayName"], vault["appOwnerOrganizationId"]), ("Azure Key Vault", "f8cdef31-a31e-4b4a-93e4-5f571e91255a"))
        self.assertEqual(self.ids(filtered("servicePrincipals", "servicePrincipalNames/any(c:c eq 'https://vault.azure.net')")), [vault["id"]])
        self.refuse(graph("POST", f"/servicePrincipals/{vault['id']}/addPassword", {}), 403, "Authorization_RequestDenied")
        self.refuse(graph("DELETE", f"/servicePrincipals/{vault['id']}"), 400, "Request_BadRequest")
        self.assertEqual(self.ids(filtered("servicePrincipals", f"servicePrincipalNames/any(c:c eq '{ORCHESTRATOR}')")), [])
        made = make_principal(ORCHESTRATOR)
        self.assertEqual(made["displayName"], "Confidential VM Orchestrator")
        self.assertEqual(graph("DELETE", f"/servicePrincipals/{made['id']}").status, 204)

    def test_managed_identities_are_read_only(self):
        identity = cloud.make_identity("id-graph")
        path = f"/servicePrincipals/{identity['principalId']}"
        shown = self.good(graph("GET", path))
        self.assertEqual((shown["servicePrincipalType"], shown["displayName"], shown["appId"]),
                         ("ManagedIdentity", "id-graph", identity["clientId"]))
        self.assertEqual(shown["alternativeNames"][0], "isExplicit=True")
        self.assertTrue(shown["alternativeNames"][1].endswith("/userassignedidentities/id-graph"))
        self.assertEqual(self.ids(graph("GET", "/servicePrincipals?$filter=displayName eq 'id-graph'")), [shown["id"]])
        for answer in (graph("PATCH", path, {"displayName": "x"}), graph("DELETE", path), graph("POST", path + "/addPassword", {})):
            self.refuse(answer, 400, "Request_BadRequest")
        group = make_group("of-identities")
        self.assertEqual(graph("POST", f"/groups/{group['id']}/members/$ref", reference(shown["id"])).status, 204)
        gone = cloud.arm("DELETE", cloud.id("Microsoft.ManagedIdentity/userAssignedIdentities", "id-graph"), IDENTITIES)
        self.assertEqual(gone.status, 200, gone)
        self.refuse(graph("GET", path), 404, "Request_ResourceNotFound")
        self.assertEqual(self.ids(graph("GET", f"/groups/{group['id']}/members")), [])


class People(Case):
    def test_users(self):
        user = make_user("Grace")
        self.assertEqual(user["userPrincipalName"], "grace@custodisk.onmicrosoft.com")
        self.assertNotIn("accountEnabled", user)
        for key in (user["id"], "grace@custodisk.onmicrosoft.com", "GRACE@custodisk.onmicrosoft.com"):
            self.assertEqual(self.good(graph("GET", f"/users/{key}"))["id"], user["id"])
        self.assertEqual(self.ids(filtered("users", "userPrincipalName eq 'grace@custodisk.onmicrosoft.com'")), [user["id"]])
        self.assertEqual(self.good(graph("GET", f"/users/{user['id']}?$select=accountEnabled,id")), {
            "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users(accountEnabled,id)/$entity", "accountEnabled": True,
            "id": user["id"]})
        self.assertEqual(graph("PATCH", f"/users/{user['id']}", {"jobTitle": "Admiral", "accountEnabled": False}).status, 204)
        self.assertEqual(self.good(graph("GET", f"/users/{user['id']}"))["jobTitle"], "Admiral")
        twin = {"displayName": "x", "accountEnabled": True, "mailNickname": "x", "userPrincipalName": "grace@custodisk.onmicrosoft.com",
                "passwordProfile": {"password": "Correct horse 1"}}
        self.refuse(graph("POST", "/users", twin), 400, "Request_BadRequest",
                    "Another object with the same value for property userPrincipalName already exists.")
        self.refuse(graph("POST", "/users", {**twin, "userPrincipalName": "x@contoso.com"}), 400, "Request_BadRequest", "domain portion")
        self.refuse(graph("POST", "/users", {**twin, "userPrincipalName": "x"}), 400, "Request_BadRequest")
        self.refuse(graph("POST", "/users", {**twin, "userPrincipalName": "n@custodisk.onmicrosoft.com",
                                             "passwordProfile": {"password": "short"}}), 400, "Request_BadRequest", "complexity")
        for missing in twin:
            self.refuse(graph("POST", "/users", {k: v for k, v in twin.items() if k != missing}), 400, "Request_BadRequest", missing)
        self.assertEqual(graph("DELETE", "/users/grace@custodisk.onmicrosoft.com").status, 204)
        self.refuse(graph("GET", f"/users/{user['id']}"), 404, "Request_ResourceNotFound")

    def test_who_stands_above_a_directory_is_not_taken_over_from_below(self):
        host = cloud.host["clientId"]
        of_apps, _, first = make_client("of-apps")
        of_people, _, second = make_client("of-people")
        self.good(grant(first["id"], APPLICATION_ADMINISTRATOR), 201)
        self.good(grant(second["id"], USER_ADMINISTRATOR), 201)
        # A secret of the hypervisor's would be good for every tenant's disks.
        for path in (f"/applications(appId='{host}')", f"/servicePrincipals(appId='{host}')"):
            self.refuse(graph("POST", path + "/addPassword", {}, of_apps), 403, "Authorization_RequestDenied")
        self.refuse(graph("POST", f"/applications(appId='{host}')/federatedIdentityCredentials", {
            "name": "mine", "issuer": "https://a.example", "subject": "s", "audiences": [EXCHANGE]}, of_apps), 403,
            "Authorization_RequestDenied")
        # Nor is who has a role in everything, be it by a group.
        user, inner, outer = make_user("above"), make_group("above-inner"), make_group("above-outer")
        path = f"/users/{user['id']}/authentication/temporaryAccessPassMethods"
        self.good(graph("POST", path, {}, of_people), 201)
        self.assertEqual(graph("POST", f"/groups/{outer['id']}/members/$ref", reference(inner["id"])).status, 204)
        assigned = cloud.arm("PUT", f"/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}", "2022-04-01", {"properties": {
            "principalId": outer["id"], "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{READER}"}})
        self.assertEqual(assigned.status, 201, assigned)
        self.refuse(graph("POST", f"/groups/{inner['id']}/members/$ref", reference(second["id"]), of_people), 403,
                    "Authorization_RequestDenied")
        self.assertEqual(graph("POST", f"/groups/{inner['id']}/members/$ref", reference(user["id"])).status, 204)
        self.refuse(graph("GET", path, None, of_people), 403, "Authorization_RequestDenied")

    def test_passwords_are_kept_nowhere(self):
        make_user("secretive")
        bodies = [body for (body,) in cloud.sql("SELECT body FROM users")]
        self.assertTrue(bodies)
        self.assertFalse([b for b in bodies if "horse" in b or "passwordProfile" in b])

    def test_groups(self):
        inner, outer, user = make_group("inner"), make_group("outer"), make_user("member")
        self.assertEqual((inner["securityEnabled"], inner["mailEnabled"], inner["groupTypes"]), (True, False, []))
        self.assertEqual(graph("POST", f"/groups/{inner['id']}/members/$ref", reference(user["id"])).status, 204)
        self.assertEqual(graph("POST", f"/groups/{outer['id']}/members/$ref", reference(inner["id"])).status, 204)
        self.refuse(graph("POST", f"/groups/{inner['id']}/members/$ref", reference(user["id"])), 400, "Request_BadRequest", "'members'")
        self.refuse(graph("POST", f"/groups/{inner['id']}/members/$ref", reference(inner["id"])), 400, "Request_BadRequest")
        self.refuse(graph("POST", f"/groups/{inner['id']}/members/$ref", {}), 400, "Request_BadRequest")
        members = self.good(graph("GET", f"/groups/{inner['id']}/members?$select=id,userPrincipalName"))["value"]
        self.assertEqual(members, [{"@odata.type": "#microsoft.graph.user", "id": user["id"],
                                    "userPrincipalName": "member@custodisk.onmicrosoft.com"}])
        self.assertEqual(self.ids(graph("GET", f"/groups/{outer['id']}/members")), [inner["id"]])
        self.assertEqual(set(self.ids(graph("GET", f"/groups/{outer['id']}/transitiveMembers"))), {inner["id"], user["id"]})
        self.assertEqual(self.ids(graph("GET", f"/users/{user['id']}/memberOf")), [inner["id"]])
        self.assertEqual(set(self.ids(graph("GET", f"/users/{user['id']}/transitiveMemberOf"))), {inner["id"], outer["id"]})
        answer = graph("POST", f"/users/{user['id']}/getMemberGroups", {"securityEnabledOnly": False})
        self.assertEqual(set(self.good(answer)["value"]), {inner["id"], outer["id"]})
        for path in (f"/directoryObjects/{user['id']}", f"/users/{user['id']}"):
            answer = graph("POST", f"{path}/checkMemberGroups", {"groupIds": [outer["id"], str(uuid.uuid4())]})
            self.assertEqual(self.good(answer)["value"], [outer["id"]])
        self.refuse(graph("POST", f"/users/{user['id']}/checkMemberGroups", {}), 400, "Request_BadRequest")
        self.assertEqual(graph("DELETE", f"/groups/{inner['id']}/members/{user['id']}/$ref").status, 204)
        self.refuse(graph("DELETE", f"/groups/{inner['id']}/members/{user['id']}/$ref"), 404, "Request_ResourceNotFound")
        self.assertEqual(graph("PATCH", f"/groups/{inner['id']}", {"description": "d"}).status, 204)
        self.assertEqual(graph("DELETE", f"/groups/{inner['id']}").status, 204)
        self.assertEqual(self.ids(graph("GET", f"/groups/{outer['id']}/members")), [])
        for wrong in ({"mailEnabled": True}, {"securityEnabled": False}, {"groupTypes": ["Unified"]}):
            self.refuse(graph("POST", "/groups", {"displayName": "x", "mailEnabled": False, "mailNickname": "x", "securityEnabled": True,
                                                  **wrong}), 400, "Request_BadRequest")

    def test_objects_by_id(self):
        user, group, app = make_user("byid"), make_group("byid"), make_app("byid")
        ids = [user["id"], group["id"], app["id"], cloud.me(), str(uuid.uuid4())]
        found = self.good(graph("POST", "/directoryObjects/getByIds", {"ids": ids, "types": ["user", "group", "servicePrincipal",
                                                                                            "directoryObjectPartnerReference"]}))["value"]
        self.assertEqual([o["@odata.type"] for o in found],
                         ["#microsoft.graph.user", "#microsoft.graph.group", "#microsoft.graph.servicePrincipal"])
        self.assertEqual(len(self.good(graph("POST", "/directoryObjects/getByIds", {"ids": ids}))["value"]), 4)
        self.refuse(graph("POST", "/directoryObjects/getByIds", {"ids": ["x"]}), 400, "Request_BadRequest")
        self.refuse(graph("POST", "/directoryObjects/getByIds", {}), 400, "Request_BadRequest", "ids")
        self.assertEqual(self.good(graph("GET", f"/directoryObjects/{app['id']}"))["@odata.type"], "#microsoft.graph.application")
        self.refuse(graph("GET", f"/directoryObjects/{uuid.uuid4()}"), 404, "Request_ResourceNotFound")


def make_tenant(name):
    """Another tenant: its id and a Graph token of its administrator."""
    tenant = str(uuid.uuid4())
    answer = cloud.arm("PUT", f"/providers/Custodisk.Directory/tenants/{tenant}", "2026-11-01", {"properties": {"displayName": name}})
    assert answer.status == 201, answer
    administrator = answer.json["properties"]["administrator"]
    signed_in = cloud.token_answer(RESOURCE, tenant, administrator["clientId"], administrator["clientSecret"])
    assert signed_in.status == 200, signed_in
    return tenant, signed_in.json["access_token"]


class Tenants(Case):
    """Nothing of one tenant is there for another's administrator."""

    @classmethod
    def setUpClass(cls):
        cls.tenant, cls.token = make_tenant("Neighbour")

    def test_nothing_is_seen_or_changed(self):
        app, group, user = make_app("private"), make_group("private"), make_user("private")
        principal = make_principal(app["appId"])
        graph("POST", f"/applications/{app['id']}/federatedIdentityCredentials",
              {"name": "main", "issuer": "i", "subject": "s", "audiences": [EXCHANGE]})
        paths = [f"/applications/{app['id']}", f"/applications(appId='{app['appId']}')", f"/servicePrincipals/{principal['id']}",
                 f"/servicePrincipals(appId='{app['appId']}')", f"/groups/{group['id']}", f"/users/{user['id']}",
                 f"/users/{user['userPrincipalName']}"]
        for path in paths:
            self.refuse(graph("GET", path, token=self.token), 404, "Request_ResourceNotFound")
            self.refuse(graph("PATCH", path, {"displayName": "taken"}, self.token), 404, "Request_ResourceNotFound")
            self.refuse(graph("DELETE", path, token=self.token), 404, "Request_ResourceNotFound")
        one, two = paths[0], paths[2]
        for method, path, body in (
                ("POST", one + "/addPassword", {}), ("POST", two + "/addPassword", {}), ("POST", one + "/removePassword", {}),
                ("GET", one + "/owners", None), ("POST", one + "/owners/$ref", reference(cloud.me())),
                ("GET", one + "/federatedIdentityCredentials", None), ("GET", one + "/federatedIdentityCredentials/main", None),
                ("POST", one + "/federatedIdentityCredentials", {"name": "x"}), ("PATCH", one + "/federatedIdentityCredentials/main", {}),
                ("DELETE", one + "/federatedIdentityCredentials/main", None), ("GET", two + "/memberOf", None),
                ("GET", paths[4] + "/members", None), ("POST", paths[4] + "/members/$ref", reference(user["id"])),
                ("DELETE", f"{paths[4]}/members/{user['id']}/$ref", None), ("GET", paths[5] + "/transitiveMemberOf", None),
                ("POST", paths[5] + "/getMemberGroups", {}), ("POST", f"/directoryObjects/{user['id']}/checkMemberGroups", {"groupIds": [group["id"]]}),
                ("GET", f"/directoryObjects/{app['id']}", None), ("GET", f"/organization/{cloud.tenant}", None),
                ("GET", "/domains/custodisk.onmicrosoft.com", None), ("POST", paths[5] + "/revokeSignInSessions", {}),
                ("GET", paths[5] + "/authentication/temporaryAccessPassMethods", None),
                ("POST", paths[5] + "/authentication/temporaryAccessPassMethods", {})):
            self.refuse(graph(method, path, body, self.token), 404, "Request_ResourceNotFound")
        self.refuse(grant(cloud.me(), READERS, self.token), 404, "Request_ResourceNotFound")
        mine = {cloud.client, app["id"], group["id"], user["id"], principal["id"], app["appId"], user["userPrincipalName"]}
        for path in ("/applications", "/servicePrincipals", "/groups", "/users", "/organization", "/domains",
                     "/roleManagement/directory/roleAssignments", "/directory/deletedItems/microsoft.graph.application"):
            text = graph("GET", path, token=self.token).text
            self.assertFalse([i for i in mine if i in text], path)
        self.assertEqual(self.ids(graph("GET", "/organization", token=self.token)), [self.tenant])
        self.assertEqual(self.good(graph("POST", "/directoryObjects/getByIds", {"ids": [app["id"], user["id"]]}, self.token))["value"], [])
        # References across tenants neither.
        theirs = self.good(graph("POST", "/groups", {"displayName": "x", "mailEnabled": False, "mailNickname": "x", "securityEnabled": True},
                               self.token), 201)
        self.refuse(graph("POST", f"/groups/{theirs['id']}/members/$ref", reference(user["id"]), self.token), 404, "Request_ResourceNotFound")
        graph("DELETE", one)
        for method, path in (("GET", ""), ("POST", "/restore"), ("DELETE", "")):
            self.refuse(graph(method, f"/directory/deletedItems/{app['id']}{path}", {} if method == "POST" else None, self.token), 404,
                        "Request_ResourceNotFound")

    def test_an_application_for_several_tenants(self):
        closed, opened = make_app("closed"), make_app("opened", signInAudience="AzureADMultipleOrgs")
        secret = graph("POST", f"/applications/{opened['id']}/addPassword", {}).json["secretText"]
        self.refuse(graph("POST", "/servicePrincipals", {"appId": closed["appId"]}, self.token), 400, "Request_BadRequest",
                    "does not reference a valid application object")
        principal = self.good(graph("POST", "/servicePrincipals", {"appId": opened["appId"]}, self.token), 201)
        self.assertEqual((principal["appOwnerOrganizationId"], principal["displayName"]), (cloud.tenant, "opened"))
        # The application stays where it is, and its secret opens the other tenant too.
        self.refuse(graph("GET", f"/applications(appId='{opened['appId']}')", token=self.token), 404, "Request_ResourceNotFound")
        answer = cloud.token_answer(RESOURCE, self.tenant, opened["appId"], secret)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(cloud.claims(answer.json["access_token"])["oid"], principal["id"])
        # A secret of the service principal there opens that tenant alone.
        own = self.good(graph("POST", f"/servicePrincipals/{principal['id']}/addPassword", {}, self.token))["secretText"]
        make_principal(opened["appId"])
        self.assertEqual(cloud.token_answer(RESOURCE, self.tenant, opened["appId"], own).status, 200)
        self.assertNotEqual(cloud.token_answer(RESOURCE, client=opened["appId"], secret=own).status, 200)
        graph("PATCH", f"/applications/{opened['id']}", {"signInAudience": "AzureADMyOrg"})
        self.assertNotEqual(cloud.token_answer(RESOURCE, self.tenant, opened["appId"], secret).status, 200)


def certificate():
    """A new self-signed certificate in base64, in lines as clients send it, and its thumbprint."""
    with tempfile.TemporaryDirectory() as folder:
        key, pem = os.path.join(folder, "key"), os.path.join(folder, "pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
                        "-days", "100", "-keyout", key, "-out", pem], check=True, capture_output=True)
        with open(pem) as f:
            text = f.read()
    body = "".join(line + "\n" for line in text.splitlines() if not line.startswith("-"))
    return body, hashlib.sha1(base64.b64decode(body)).hexdigest().upper()


class Certificates(Case):
    def test_life(self):
        app = make_app("certified")
        path = f"/applications/{app['id']}"
        (one, print_one), (two, print_two) = certificate(), certificate()
        given = {"type": "AsymmetricX509Cert", "usage": "Verify", "key": one, "displayName": "CN=x"}
        self.assertEqual(graph("PATCH", path, {"keyCredentials": [given]}).status, 204)
        first = self.good(graph("GET", path))["keyCredentials"]
        self.assertEqual([(k["customKeyIdentifier"], k["displayName"], k["key"], k["type"]) for k in first],
                         [(print_one, "CN=x", None, "AsymmetricX509Cert")])
        # What is named by its keyId stays.
        self.assertEqual(graph("PATCH", path, {"keyCredentials": [*first, {**given, "key": two}]}).status, 204)
        both = self.good(graph("GET", path))["keyCredentials"]
        self.assertEqual({k["customKeyIdentifier"] for k in both}, {print_one, print_two})
        self.assertEqual(graph("PATCH", path, {"keyCredentials": [k for k in both if k["customKeyIdentifier"] == print_two]}).status, 204)
        self.assertEqual([k["customKeyIdentifier"] for k in self.good(graph("GET", path))["keyCredentials"]], [print_two])
        for wrong, code in (({"key": "no base64!"}, "KeyCredentialsInvalidValue"), ({"key": "AAAA"}, "KeyCredentialsInvalidValue"),
                            ({"key": None}, "KeyCredentialsInvalidValue"), ({"type": "Symmetric"}, "KeyCredentialsInvalidValue"),
                            ({"usage": "Sign"}, "KeyCredentialsInvalidValue"), ({"keyId": "x"}, "Request_BadRequest"),
                            ({"endDateTime": "2199-01-01T00:00:00Z"}, "KeyCredentialsInvalidEndDate"),
                            ({"startDateTime": "2001-01-01T00:00:00Z"}, "KeyCredentialsInvalidStartDate")):
            self.refuse(graph("PATCH", path, {"keyCredentials": [{**given, **wrong}]}), 400, code)
        self.assertEqual([k["customKeyIdentifier"] for k in self.good(graph("GET", path))["keyCredentials"]], [print_two])
        made = self.good(graph("POST", "/applications", {"displayName": "born certified", "keyCredentials": [given]}), 201)
        self.assertEqual([k["customKeyIdentifier"] for k in made["keyCredentials"]], [print_one])


class Passes(Case):
    def test_life(self):
        user = make_user("passing")
        path = f"/users/{user['id']}/authentication/temporaryAccessPassMethods"
        made = self.good(graph("POST", path, {"lifetimeInMinutes": 60, "isUsableOnce": True}), 201)
        self.assertEqual((made["isUsable"], made["isUsableOnce"], made["lifetimeInMinutes"], made["methodUsabilityReason"]),
                         (True, True, 60, "EnabledByPolicy"))
        self.assertTrue(made["temporaryAccessPass"])
        shown = self.good(graph("GET", path))["value"]
        self.assertEqual([(p["id"], p["temporaryAccessPass"]) for p in shown], [(made["id"], None)])
        self.assertIsNone(self.good(graph("GET", f"{path}/{made['id']}"))["temporaryAccessPass"])
        self.assertEqual(graph("POST", path, {}).status, 409)
        self.assertEqual(graph("DELETE", f"{path}/{made['id']}").status, 204)
        self.refuse(graph("DELETE", f"{path}/{made['id']}"), 404, "resourceNotFound")
        self.refuse(graph("GET", f"{path}/{made['id']}"), 404, "resourceNotFound")
        for wrong in ({"lifetimeInMinutes": "60"}, {"startDateTime": "soon"}, {"isUsableOnce": 1}):
            self.refuse(graph("POST", path, wrong), 400, "Request_BadRequest")
        self.assertEqual(graph("POST", path, {"lifetimeInMinutes": 1}).status, 400)
        self.assertTrue(self.good(graph("POST", f"/users/{user['id']}/revokeSignInSessions", {}))["value"])
        token, _, _ = make_client("no-pass")
        for answer in (graph("POST", path, {}, token), graph("GET", path, token=token),
                       graph("POST", f"/users/{user['id']}/revokeSignInSessions", {}, token)):
            self.refuse(answer, 403, "Authorization_RequestDenied")


def sign_in(user):
    """A Graph token of a user, who signs in with a device code and a new temporary access pass."""
    def post(path, **form):
        return cloud.send("POST", LOGIN, f"/{cloud.tenant}/oauth2/{path}", urllib.parse.urlencode(form).encode(),
                          {"Content-Type": "application/x-www-form-urlencoded"})
    client = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
    code = post("v2.0/devicecode", client_id=client, scope=RESOURCE + "/.default")
    assert code.status == 200, code
    made = graph("POST", f"/users/{user['id']}/authentication/temporaryAccessPassMethods", {"isUsableOnce": True})
    page = post("deviceauth", code=code.json["user_code"], user=user["userPrincipalName"], **{"pass": made.json["temporaryAccessPass"]})
    assert page.status == 200, page
    answer = post("v2.0/token", grant_type="urn:ietf:params:oauth:grant-type:device_code", client_id=client,
                  device_code=code.json["device_code"])
    assert answer.status == 200, answer
    return answer.json["access_token"]


class Users(Case):
    """What a person may do without a directory role."""

    def test_a_user(self):
        user, other = make_user("someone"), make_user("another")
        token = sign_in(user)
        self.assertEqual(self.good(graph("GET", "/me", token=token))["id"], user["id"])
        # Reads everything, registers applications and owns them.
        for path in ("/users", "/applications", "/servicePrincipals", "/groups", "/organization", f"/users/{other['id']}"):
            self.good(graph("GET", path, token=token))
        app = self.good(graph("POST", "/applications", {"displayName": "of someone"}, token), 201)
        principal = self.good(graph("POST", "/servicePrincipals", {"appId": app["appId"]}, token), 201)
        owned = self.good(graph("GET", "/me/ownedObjects", token=token))["value"]
        self.assertEqual({o["id"] for o in owned}, {app["id"], principal["id"]})
        self.good(graph("POST", f"/applications/{app['id']}/addPassword", {}, token))
        self.assertEqual(graph("PATCH", f"/applications/{app['id']}", {"notes": "mine"}, token).status, 204)
        group = make_group("of someone")
        self.assertEqual(graph("POST", f"/groups/{group['id']}/members/$ref", reference(user["id"])).status, 204)
        self.assertEqual(self.ids(graph("GET", "/me/memberOf", token=token)), [group["id"]])
        theirs = make_app("of nobody")
        opened = make_app("of all", signInAudience="AzureADMultipleOrgs")
        for answer in (graph("PATCH", f"/applications/{theirs['id']}", {"notes": "x"}, token),
                       graph("POST", f"/applications/{theirs['id']}/addPassword", {}, token),
                       graph("POST", "/servicePrincipals", {"appId": theirs["appId"]}, token),
                       graph("POST", "/servicePrincipals", {"appId": opened["appId"]}, token),
                       graph("POST", "/servicePrincipals", {"appId": ORCHESTRATOR}, token),
                       graph("PATCH", f"/users/{user['id']}", {"displayName": "x"}, token),
                       graph("DELETE", f"/users/{other['id']}", token=token),
                       graph("POST", f"/users/{other['id']}/authentication/temporaryAccessPassMethods", {}, token),
                       graph("POST", "/users", {"displayName": "x"}, token), graph("POST", "/groups", {"displayName": "x"}, token),
                       graph("POST", f"/groups/{group['id']}/members/$ref", reference(other["id"]), token),
                       graph("POST", f"/servicePrincipals/{cloud.me()}/addPassword", {}, token),
                       grant(user["id"], ADMINISTRATOR, token)):
            self.refuse(answer, 403, "Authorization_RequestDenied")
        # Whoever is deleted is nobody.
        self.assertEqual(graph("DELETE", f"/users/{user['id']}").status, 204)
        self.refuse(graph("GET", "/me", token=token), 401, "InvalidAuthenticationToken")


class Rights(Case):
    """What an application may do without a role, with one, and as an owner."""

    def test_nothing_without_a_role(self):
        token, app, principal = make_client("stranger")
        other, group, user = make_app("other"), make_group("closed"), make_user("closed")
        graph("DELETE", f"/applications/{app['id']}/owners/{cloud.me()}/$ref")
        denied = [
            graph("GET", "/applications", token=token), graph("GET", "/users", token=token), graph("GET", "/groups/$count", token=token),
            graph("GET", f"/applications/{other['id']}", token=token), graph("GET", f"/users/{user['id']}", token=token),
            graph("GET", f"/applications/{uuid.uuid4()}", token=token), graph("GET", "/organization", token=token),
            graph("GET", "/domains", token=token), graph("GET", "/directory/deletedItems/microsoft.graph.application", token=token),
            graph("POST", "/applications", {"displayName": "x"}, token), graph("POST", "/servicePrincipals", {"appId": ORCHESTRATOR}, token),
            graph("POST", "/users", {"displayName": "x"}, token), graph("POST", "/groups", {"displayName": "x"}, token),
            graph("PATCH", f"/applications/{other['id']}", {"displayName": "x"}, token), graph("DELETE", f"/groups/{group['id']}", token=token),
            graph("DELETE", f"/users/{user['id']}", token=token),
            graph("POST", f"/applications/{other['id']}/addPassword", {}, token),
            graph("POST", f"/applications/{app['id']}/addPassword", {}, token),
            graph("POST", f"/servicePrincipals/{cloud.me()}/addPassword", {}, token),
            graph("POST", f"/applications/{other['id']}/owners/$ref", reference(principal["id"]), token),
            graph("POST", f"/applications/{other['id']}/federatedIdentityCredentials", {}, token),
            graph("GET", f"/applications/{other['id']}/federatedIdentityCredentials", token=token),
            graph("POST", f"/groups/{group['id']}/members/$ref", reference(principal["id"]), token),
            graph("GET", f"/groups/{group['id']}/members", token=token), graph("GET", f"/users/{user['id']}/memberOf", token=token),
            graph("POST", "/directoryObjects/getByIds", {"ids": [cloud.me()]}, token),
            graph("GET", f"/directoryObjects/{cloud.me()}", token=token),
            graph("GET", "/roleManagement/directory/roleAssignments", token=token), graph("GET", "/oauth2PermissionGrants", token=token),
            graph("GET", "/roleManagement/directory/roleDefinitions", token=token), grant(principal["id"], ADMINISTRATOR, token),
        ]
        for answer in denied:
            self.refuse(answer, 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        # Itself it may see.
        self.good(graph("GET", f"/applications/{app['id']}", token=token))
        self.good(graph("GET", f"/servicePrincipals/{principal['id']}", token=token))

    def test_roles(self):
        token, _, principal = make_client("ranked")
        made = self.good(grant(principal["id"], READERS), 201)
        self.good(graph("GET", "/users", token=token))
        self.refuse(graph("POST", "/applications", {"displayName": "x"}, token), 403, "Authorization_RequestDenied")
        self.refuse(grant(principal["id"], READERS), 400, "Request_BadRequest")
        self.refuse(grant(principal["id"], str(uuid.uuid4())), 400, "Request_BadRequest")
        self.refuse(grant(str(uuid.uuid4()), READERS), 404, "Request_ResourceNotFound")
        listed = self.good(graph("GET", f"/roleManagement/directory/roleAssignments?$filter=principalId eq '{principal['id']}'"))["value"]
        self.assertEqual([a["id"] for a in listed], [made["id"]])
        self.good(grant(principal["id"], APPLICATION_ADMINISTRATOR), 201)
        mine = self.good(graph("POST", "/applications", {"displayName": "mine"}, token), 201)
        self.assertEqual(graph("DELETE", f"/applications/{mine['id']}", token=token).status, 204)
        # No way up: neither by giving, nor through the credentials of who has more.
        self.refuse(grant(principal["id"], ADMINISTRATOR, token), 403, "Authorization_RequestDenied")
        for answer in (graph("POST", f"/servicePrincipals/{cloud.me()}/addPassword", {}, token),
                       graph("POST", f"/applications(appId='{cloud.client}')/addPassword", {}, token),
                       graph("POST", f"/applications(appId='{cloud.client}')/owners/$ref", reference(principal["id"]), token),
                       graph("DELETE", f"/servicePrincipals/{cloud.me()}", token=token),
                       graph("POST", "/groups", {"displayName": "x"}, token)):
            self.refuse(answer, 403, "Authorization_RequestDenied")
        self.assertEqual(graph("DELETE", f"/roleManagement/directory/roleAssignments/{made['id']}").status, 204)
        self.refuse(graph("GET", f"/roleManagement/directory/roleAssignments/{made['id']}"), 404, "Request_ResourceNotFound")
        last = self.good(graph("GET", f"/roleManagement/directory/roleAssignments?$filter=roleDefinitionId eq '{ADMINISTRATOR}'"))["value"]
        self.refuse(graph("DELETE", f"/roleManagement/directory/roleAssignments/{last[0]['id']}"), 400, "Request_BadRequest", "last")
        for path in (f"/servicePrincipals/{cloud.me()}", f"/applications(appId='{cloud.client}')"):
            self.refuse(graph("DELETE", path), 400, "Request_BadRequest", "last")
        self.good(graph("GET", f"/applications(appId='{cloud.client}')"))
        roles = self.good(graph("GET", "/roleManagement/directory/roleDefinitions?$filter=displayName eq 'Global Administrator'"))["value"]
        self.assertEqual([r["id"] for r in roles], [ADMINISTRATOR])
        self.good(graph("GET", f"/roleManagement/directory/roleDefinitions/{ADMINISTRATOR}"))
        self.refuse(graph("GET", f"/roleManagement/directory/roleDefinitions/{uuid.uuid4()}"), 404, "Request_ResourceNotFound")

    def test_owners_manage_what_they_own(self):
        token, _, principal = make_client("proud")
        app = make_app("possession")
        self.assertEqual(graph("POST", f"/applications/{app['id']}/owners/$ref", reference(principal["id"])).status, 204)
        self.assertEqual(graph("PATCH", f"/applications/{app['id']}", {"notes": "mine"}, token).status, 204)
        self.good(graph("GET", f"/applications/{app['id']}", token=token))
        self.good(graph("POST", "/servicePrincipals", {"appId": app["appId"]}, token), 201)
        self.assertEqual(graph("DELETE", f"/applications/{app['id']}/owners/{principal['id']}/$ref").status, 204)
        self.refuse(graph("PATCH", f"/applications/{app['id']}", {"notes": "mine"}, token), 403, "Authorization_RequestDenied")

    def test_a_deleted_principal_is_nobody(self):
        token, _, principal = make_client("leaving")
        self.good(grant(principal["id"], READERS), 201)
        self.good(graph("GET", "/users", token=token))
        self.assertEqual(graph("DELETE", f"/servicePrincipals/{principal['id']}").status, 204)
        self.refuse(graph("GET", "/users", token=token), 401, "InvalidAuthenticationToken")


if __name__ == "__main__":
    unittest.main(verbosity=2)
