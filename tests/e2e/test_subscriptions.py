#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Several tenants and subscriptions: how they are made, what each may see of another; locations, namespaces, features, tags,
the listing of resources and the activity log."""

import json
import os
import stat
import time
import unittest
import urllib.parse
import uuid

from harness import ARM, IDENTITIES, OWNER, READER, Case, Instance, Tenant

OWN = "2026-11-01"
RESOURCES = "2021-04-01"
SUBSCRIPTIONS = "2022-12-01"
ALIASES = "2021-10-01"
FEATURES = "2021-07-01"
EVENTS = "2015-04-01"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
ALIAS = "/providers/Microsoft.Subscription/aliases"
TENANTS = "/providers/Custodisk.Directory/tenants"


def setUpModule():
    global cloud, other
    cloud = Instance("--cache-seconds", "2")
    cloud.up()
    cloud.make_group()
    other = Subscriber(cloud, "Contoso", "contoso.onmicrosoft.com")


def tearDownModule():
    cloud.down()
    cloud.__exit__()


class Subscriber(Tenant):
    """Another tenant that makes subscriptions."""

    def subscription(self, alias, name="Theirs", **additional):
        made = self.arm("PUT", f"{ALIAS}/{alias}", ALIASES,
                        {"properties": {"displayName": name, "workload": "Production", "additionalProperties": additional}})
        assert made.status in (200, 201), made
        return made.json["properties"]["subscriptionId"]


def new_principal(tenant=None):
    """An application without a role, put where the directory keeps them; its object id."""
    oid = str(uuid.uuid4())
    cloud.sql("INSERT INTO users (object_id, tenant_id, upn, display_name, enabled, created, body) VALUES (?,?,?,'u',1,0,'{}')",
              oid, tenant or cloud.tenant, oid + "@custodisk.onmicrosoft.com")
    return oid


def filtered(path, filter_, version, token=None, **query):
    text = urllib.parse.urlencode({**({"$filter": filter_} if filter_ is not None else {}), **query})
    return cloud.arm("GET", f"{path}?{text}", version, None, token)


class Tenants(Case):
    def test_a_tenant_has_an_administrator_whose_secret_is_told_once(self):
        self.assertEqual(stat.S_IMODE(os.stat(other.file).st_mode), 0o600)
        self.assertEqual(other.domain, "contoso.onmicrosoft.com")
        again = self.good(cloud.arm("PUT", f"{TENANTS}/{other.id}", OWN, {"properties": {"displayName": "Another"}}))
        self.assertEqual(again["properties"]["displayName"], "Contoso")
        self.assertNotIn("administrator", again["properties"])
        self.assertNotIn("administrator", json.dumps(self.good(cloud.arm("GET", TENANTS, OWN))))
        self.assertEqual(self.good(cloud.arm("GET", f"{TENANTS}/{other.id.upper()}", OWN))["name"], other.id)
        self.refuse(cloud.arm("GET", f"{TENANTS}/{uuid.uuid4()}", OWN), 404, "TenantNotFound")

    def test_what_is_no_tenant(self):
        def put(name, **properties):
            return cloud.arm("PUT", f"{TENANTS}/{name}", OWN, {"properties": properties})

        self.refuse(put("contoso", displayName="x"), 400, "BadRequest")
        self.refuse(put(uuid.uuid4()), 400, "BadRequest")
        for domain in ("contoso.com", ".onmicrosoft.com", "a.b.onmicrosoft.com", "-a.onmicrosoft.com", "x" * 41 + ".onmicrosoft.com"):
            self.refuse(put(uuid.uuid4(), displayName="x", domain=domain), 400, "InvalidDomain")
        self.refuse(put(uuid.uuid4(), displayName="x", domain="CONTOSO.onmicrosoft.com"), 409, "DomainTaken")
        self.refuse(cloud.arm("DELETE", f"{TENANTS}/{other.id}", OWN), 405, "MethodNotAllowed")
        self.refuse(cloud.arm("GET", f"{TENANTS}/{other.id}", "2021-04-01"), 400, "NoRegisteredProviderFound")

    def test_tenants_are_the_operators(self):
        for token in (other.token(), cloud.host_token()):
            self.refuse(cloud.arm("PUT", f"{TENANTS}/{uuid.uuid4()}", OWN, {"properties": {"displayName": "x"}}, token), 403,
                        "AuthorizationFailed")
            self.refuse(cloud.arm("GET", TENANTS, OWN, None, token), 403, "AuthorizationFailed")
            self.refuse(cloud.arm("GET", f"{TENANTS}/{other.id}", OWN, None, token), 403, "AuthorizationFailed")
            self.refuse(cloud.arm("GET", "/providers/Custodisk.Directory/featureRequests", OWN, None, token), 403, "AuthorizationFailed")
            self.refuse(cloud.arm("POST", "/providers/Custodisk.Directory/approveFeature", OWN, {}, token), 403, "AuthorizationFailed")

    def test_who_is_of_a_tenant_sees_it(self):
        mine, = self.good(cloud.arm("GET", "/tenants", SUBSCRIPTIONS))["value"]
        self.assertEqual((mine["tenantId"], mine["tenantCategory"]), (cloud.tenant, "Home"))
        theirs, = self.good(other.arm("GET", "/tenants", SUBSCRIPTIONS))["value"]
        self.assertEqual((theirs["tenantId"], theirs["displayName"], theirs["defaultDomain"], theirs["domains"]),
                         (other.id, "Contoso", "contoso.onmicrosoft.com", ["contoso.onmicrosoft.com"]))

    def test_the_command(self):
        listed = cloud.command("tenant", "--data-dir", cloud.dir, "list").stdout
        self.assertIn(f"{other.id}  contoso.onmicrosoft.com", listed)
        self.assertIn(cloud.tenant, listed)
        again = cloud.command("tenant", "--data-dir", cloud.dir, "create", "--name", "x", "--output", other.file)
        self.assertEqual(again.returncode, 1, again)
        self.assertIn("File exists", again.stderr)
        with open(other.file) as f:
            self.assertEqual(json.load(f), other.administrator)
        path = os.path.join(cloud.dir, "refused.json")
        refused = cloud.command("tenant", "--data-dir", cloud.dir, "create", "--name", "x", "--domain", "bad", "--output", path)
        self.assertEqual(refused.returncode, 1, refused)
        self.assertFalse(os.path.exists(path))
        for words in (["create"], ["list", "--name", "x"], ["remove"], []):
            self.assertEqual(cloud.command("tenant", "--data-dir", cloud.dir, *words).returncode, 2)


class Subscriptions(Case):
    def test_an_alias_makes_a_subscription_that_its_maker_owns(self):
        answer = other.arm("PUT", f"{ALIAS}/Team-A", ALIASES, {"properties": {"displayName": "Team A", "workload": "DevTest",
                           "billingScope": "/none", "additionalProperties": {"tags": {"cost": "7"}}}})
        made = self.good(answer, 201)
        self.assertEqual(made["id"], f"{ALIAS}/Team-A")
        properties = made["properties"]
        self.assertEqual((properties["provisioningState"], properties["workload"]), ("Succeeded", "DevTest"))
        id_ = properties["subscriptionId"]
        self.assertEqual(self.good(other.arm("PUT", f"{ALIAS}/team-a", ALIASES, {"properties": {"displayName": "Other"}})), made)
        shown = self.good(other.arm("GET", f"/subscriptions/{id_}", SUBSCRIPTIONS))
        self.assertEqual((shown["displayName"], shown["tenantId"], shown["state"], shown["tags"], shown["managedByTenants"]),
                         ("Team A", other.id, "Enabled", {"cost": "7"}, []))
        self.assertEqual(shown["subscriptionPolicies"]["quotaId"], "MSDNDevTest_2014-09-01")
        self.assertIn(id_, [s["subscriptionId"] for s in self.good(other.arm("GET", "/subscriptions", SUBSCRIPTIONS))["value"]])
        self.good(other.arm("PUT", f"/subscriptions/{id_}/resourceGroups/rg", RESOURCES, {"location": "westeurope"}), 201)
        owner, = [a for a in self.good(other.arm("GET", f"/subscriptions/{id_}/providers/Microsoft.Authorization/roleAssignments",
                                                 "2022-04-01"))["value"] if a["properties"]["scope"] == f"/subscriptions/{id_}"]
        self.assertTrue(owner["properties"]["roleDefinitionId"].endswith(OWNER))
        # Gone is the alias alone.
        self.good(other.arm("DELETE", f"{ALIAS}/TEAM-A", ALIASES))
        self.good(other.arm("DELETE", f"{ALIAS}/team-a", ALIASES), 204)
        self.refuse(other.arm("GET", f"{ALIAS}/team-a", ALIASES), 404, "SubscriptionAliasNotFound")
        self.good(other.arm("GET", f"/subscriptions/{id_}", SUBSCRIPTIONS))
        again = self.good(other.arm("PUT", f"{ALIAS}/again", ALIASES, {"properties": {"subscriptionId": id_}}), 201)
        self.assertEqual(again["properties"]["displayName"], "Team A")

    def test_aliases_are_a_tenants(self):
        id_ = other.subscription("shared-name")
        mine = self.good(cloud.arm("PUT", f"{ALIAS}/shared-name", ALIASES, {"properties": {"displayName": "Mine"}}), 201)
        self.assertNotEqual(mine["properties"]["subscriptionId"], id_)
        self.assertEqual(mine["properties"]["displayName"], "Mine")
        listed = self.good(cloud.arm("GET", ALIAS, ALIASES))["value"]
        self.assertNotIn(id_, [a["properties"]["subscriptionId"] for a in listed])
        self.refuse(cloud.arm("PUT", f"{ALIAS}/stolen", ALIASES, {"properties": {"subscriptionId": id_}}), 404, "SubscriptionNotFound")
        self.assertEqual(self.good(cloud.arm("GET", ALIAS, ALIASES, None, cloud.host_token()))["value"], [])
        self.refuse(cloud.arm("GET", f"{ALIAS}/shared-name", ALIASES, None, cloud.host_token()), 404, "SubscriptionAliasNotFound")

    def test_what_makes_no_subscription(self):
        def put(alias="x", token=None, additional=None, **properties):
            properties = {"displayName": "x", "additionalProperties": additional or {}, **properties}
            return cloud.arm("PUT", f"{ALIAS}/{alias}", ALIASES, {"properties": properties}, token)

        self.refuse(put(token=cloud.host_token()), 403, "AuthorizationFailed")
        self.refuse(put(subscriptionId=cloud.subscription, token=cloud.host_token()), 403, "AuthorizationFailed")
        self.refuse(put(alias="a" * 64), 400, "InvalidAliasName")
        self.refuse(put(alias="a%20b"), 400, "InvalidAliasName")
        self.refuse(put(workload="Fun"), 400, "InvalidWorkload")
        for name in ("", "x" * 65, "a<b", None):
            self.refuse(put(displayName=name), 400, "InvalidSubscriptionName")
        self.refuse(put(additional={"subscriptionTenantId": other.id}), 400, "InvalidSubscriptionTenantId")
        self.refuse(put(additional={"subscriptionOwnerId": other.administrator["clientId"]}), 400, "PrincipalNotFound")
        self.refuse(put(additional={"tags": {"a": 1}}), 400, "InvalidTagNameOrValue")
        self.refuse(cloud.arm("PATCH", f"{ALIAS}/x", ALIASES, {}), 405, "MethodNotAllowed")
        self.assertEqual([a for a in self.good(cloud.arm("GET", ALIAS, ALIASES))["value"] if a["name"] == "x"], [])

    def test_somebody_else_can_be_its_owner(self):
        owner = new_principal()
        made = self.good(cloud.arm("PUT", f"{ALIAS}/given", ALIASES, {"properties": {"displayName": "Given", "additionalProperties":
                         {"subscriptionOwnerId": owner}}}), 201)
        scope = f"/subscriptions/{made['properties']['subscriptionId']}"
        found = self.good(cloud.arm("GET", f"{scope}/providers/Microsoft.Authorization/roleAssignments", "2022-04-01"))["value"]
        self.assertIn((owner, "User", scope), [(a["properties"]["principalId"], a["properties"]["principalType"],
                                                a["properties"]["scope"]) for a in found])

    def test_listed_is_where_the_caller_has_a_role(self):
        # The host agent's role is at one resource of the first subscription.
        unseen = self.good(cloud.arm("PUT", f"{ALIAS}/unseen", ALIASES, {"properties": {"displayName": "Unseen"}}), 201)
        seen = [s["subscriptionId"] for s in self.good(cloud.arm("GET", "/subscriptions", SUBSCRIPTIONS, None, cloud.host_token()))["value"]]
        self.assertIn(cloud.subscription, seen)
        self.assertNotIn(unseen["properties"]["subscriptionId"], seen)
        self.refuse(cloud.arm("GET", cloud.scope, SUBSCRIPTIONS, None, cloud.host_token()), 403, "AuthorizationFailed")
        everything = cloud.follow(cloud.arm("GET", "/subscriptions?$top=1", SUBSCRIPTIONS))
        self.assertGreater(len(everything), 1)
        self.assertTrue(all(len(page) == 1 for page in everything))
        self.assertNotIn(other.id, [page[0]["tenantId"] for page in everything])

    def test_a_group_gives_a_role_to_its_members(self):
        made = self.good(cloud.arm("PUT", f"{ALIAS}/for-a-group", ALIASES, {"properties": {"displayName": "Group's"}}), 201)
        id_, group = made["properties"]["subscriptionId"], str(uuid.uuid4())
        me = cloud.claims(cloud.host_token())["oid"]
        with cloud.store() as db:
            db.execute("INSERT INTO groups (object_id, tenant_id, display_name, created, body) VALUES (?,?,'g',0,'{}')",
                       (group, cloud.tenant))
            db.execute("INSERT INTO group_members (group_id, member_id) VALUES (?,?)", (group, me))
        scope = f"/subscriptions/{id_}"
        self.good(cloud.arm("PUT", f"{scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}", "2022-04-01",
                            {"properties": {"principalId": group, "roleDefinitionId":
                             f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{READER}"}}), 201)
        seen = self.good(cloud.arm("GET", "/subscriptions", SUBSCRIPTIONS, None, cloud.host_token()))["value"]
        self.assertIn(id_, [s["subscriptionId"] for s in seen])
        self.good(cloud.arm("GET", scope, SUBSCRIPTIONS, None, cloud.host_token()))

    def test_renamed(self):
        path = f"/subscriptions/{other.subscription('renamed')}"
        self.good(other.arm("POST", f"{path}/providers/Microsoft.Subscription/rename", ALIASES, {"subscriptionName": "New name"}))
        self.assertEqual(self.good(other.arm("GET", path, SUBSCRIPTIONS))["displayName"], "New name")
        for body in ({}, {"subscriptionName": ""}, {"subscriptionName": "a|b"}):
            self.refuse(other.arm("POST", f"{path}/providers/Microsoft.Subscription/rename", ALIASES, body), 400,
                        "InvalidSubscriptionName")
        self.refuse(cloud.arm("POST", f"{cloud.scope}/providers/Microsoft.Subscription/rename", ALIASES, {"subscriptionName": "x"},
                              cloud.host_token()), 403, "AuthorizationFailed")
        self.refuse(other.arm("GET", f"{path}/providers/Microsoft.Subscription/rename", ALIASES), 405, "MethodNotAllowed")

    def test_what_is_cancelled_can_be_read_and_emptied(self):
        path = f"/subscriptions/{other.subscription('cancelled')}"
        for name in ("rg", "rg2"):
            self.good(other.arm("PUT", f"{path}/resourceGroups/{name}", RESOURCES, {"location": "westeurope"}), 201)
        act = f"{path}/providers/Microsoft.Subscription"
        self.good(other.arm("POST", f"{act}/cancel", ALIASES))
        self.assertEqual(self.good(other.arm("GET", path, SUBSCRIPTIONS))["state"], "Disabled")
        self.good(other.arm("GET", f"{path}/resourceGroups/rg", RESOURCES))
        for method, at, body in (("PUT", f"{path}/resourceGroups/new", {"location": "westeurope"}),
                                 ("PATCH", f"{path}/resourceGroups/rg", {"tags": {}}),
                                 ("POST", f"{path}/providers/Microsoft.Compute/register", None),
                                 ("PUT", f"{path}/providers/Microsoft.Resources/tags/default", {"properties": {"tags": {}}})):
            self.refuse(other.arm(method, at, RESOURCES, body), 409, "ReadOnlyDisabledSubscription", "marked as read only")
        self.assertEqual(other.arm("DELETE", f"{path}/resourceGroups/rg2", RESOURCES).status, 202)
        self.good(other.arm("POST", f"{act}/enable", ALIASES))
        self.good(other.arm("PATCH", f"{path}/resourceGroups/rg", RESOURCES, {"tags": {}}))
        for action in ("cancel", "enable"):
            self.refuse(cloud.arm("POST", f"{cloud.scope}/providers/Microsoft.Subscription/{action}", ALIASES, None, cloud.host_token()), 403,
                        "AuthorizationFailed")

    def test_the_command(self):
        done = cloud.command("subscription", "--data-dir", cloud.dir, "create", "--name", "By hand", "--alias", "by-hand")
        self.assertEqual(done.returncode, 0, done.stderr)
        listed = cloud.command("subscription", "--data-dir", cloud.dir, "list").stdout
        self.assertIn(f"{done.stdout.strip()}  Enabled   By hand", listed)
        environment = {**os.environ, "AZURE_TENANT_ID": other.id, "AZURE_CLIENT_ID": other.administrator["clientId"],
                       "AZURE_CLIENT_SECRET": other.administrator["clientSecret"]}
        theirs = cloud.command("subscription", "--data-dir", cloud.dir, "create", "--name", "Theirs", env=environment)
        self.assertEqual(self.good(other.arm("GET", f"/subscriptions/{theirs.stdout.strip()}", SUBSCRIPTIONS))["tenantId"], other.id)
        for words in (["create"], ["list", "--name", "x"], ["create", "--name", "x", "--alias", "a/b"], []):
            self.assertEqual(cloud.command("subscription", "--data-dir", cloud.dir, *words).returncode, 2)


class Isolation(Case):
    """Nothing of a subscription answers a token of another tenant, whatever rights it has at home."""

    def test_no_route_answers_a_stranger(self):
        scope = cloud.scope
        group = cloud.group()
        routes = [("GET", scope), ("GET", f"{scope}/locations"), ("GET", f"{scope}/resourceGroups"), ("GET", group),
                  ("GET", f"{scope}/resources"), ("GET", f"{group}/resources"), ("GET", f"{scope}/providers"),
                  ("GET", f"{scope}/providers/Microsoft.Compute"), ("POST", f"{scope}/providers/Microsoft.Compute/register"),
                  ("POST", f"{scope}/providers/Microsoft.Compute/unregister"), ("GET", f"{scope}/tagNames"),
                  ("PUT", f"{scope}/tagNames/a"), ("PUT", f"{scope}/tagNames/a/tagValues/b"), ("DELETE", f"{scope}/tagNames/a"),
                  ("GET", f"{scope}/providers/Microsoft.Resources/tags/default"),
                  ("PUT", f"{group}/providers/Microsoft.Resources/tags/default"),
                  ("POST", f"{group}/moveResources"), ("POST", f"{group}/validateMoveResources")]
        for method, path in routes:
            self.refuse(other.arm(method, path, RESOURCES, {} if method != "GET" else None), 401, "InvalidAuthenticationTokenTenant")
        for path in ("rename", "cancel", "enable"):
            self.refuse(other.arm("POST", f"{scope}/providers/Microsoft.Subscription/{path}", ALIASES, {}), 401,
                        "InvalidAuthenticationTokenTenant")
        for path in ("features", "providers/Microsoft.Compute/features", "providers/Microsoft.Compute/features/DCav6Series"):
            self.refuse(other.arm("GET", f"{scope}/providers/Microsoft.Features/{path}", FEATURES), 401,
                        "InvalidAuthenticationTokenTenant")
        self.refuse(filtered(f"{scope}/providers/Microsoft.Insights/eventtypes/management/values",
                             "eventTimestamp ge 2020-01-01T00:00:00Z", EVENTS, other.token()), 401, "InvalidAuthenticationTokenTenant")

    def test_who_has_no_role_is_refused(self):
        scope, group = cloud.scope, cloud.group()
        for method, path, version in (
                ("GET", f"{scope}/locations", SUBSCRIPTIONS), ("GET", f"{scope}/resources", RESOURCES),
                ("GET", f"{group}/resources", RESOURCES), ("GET", f"{scope}/providers", RESOURCES),
                ("POST", f"{scope}/providers/Microsoft.Compute/unregister", RESOURCES), ("GET", f"{scope}/tagNames", RESOURCES),
                ("PUT", f"{scope}/tagNames/a", RESOURCES), ("PUT", f"{scope}/tagNames/a/tagValues/b", RESOURCES),
                ("GET", f"{group}/providers/Microsoft.Resources/tags/default", RESOURCES),
                ("DELETE", f"{scope}/providers/Microsoft.Resources/tags/default", RESOURCES),
                ("POST", f"{group}/moveResources", RESOURCES), ("POST", f"{group}/validateMoveResources", RESOURCES),
                ("GET", f"{scope}/providers/Microsoft.Features/features", FEATURES),
                ("GET", f"{scope}/providers/Microsoft.Features/providers/Microsoft.Compute/features", FEATURES),
                ("POST", f"{scope}/providers/Microsoft.Features/providers/Microsoft.Compute/features/ECasv5/register", FEATURES),
                ("GET", f"{scope}/providers/Microsoft.Insights/eventtypes/management/values", EVENTS),
                ("GET", "/providers/Microsoft.Insights/eventtypes/management/values", EVENTS)):
            self.refuse(cloud.arm(method, path, version, {} if method in ("PUT", "POST") else None, stranger()), 403, "AuthorizationFailed")
        self.assertEqual(self.good(cloud.arm("GET", "/subscriptions", SUBSCRIPTIONS, None, stranger()))["value"], [])


def stranger():
    """A token of the first tenant's principal that no role is left to."""
    global stranger_secret
    if "stranger_secret" not in globals():
        made = Tenant(cloud, "Stranger " + uuid.uuid4().hex[:8])
        with cloud.store() as db:
            # An administrator whose own tenant becomes the first one, without its role at the root.
            oid, = db.execute("SELECT object_id FROM service_principals WHERE app_id = ?", (made.administrator["clientId"],)).fetchone()
            db.execute("DELETE FROM role_assignments WHERE principal_id = ?", (oid,))
            db.execute("UPDATE service_principals SET tenant_id = ? WHERE object_id = ?", (cloud.tenant, oid))
            db.execute("UPDATE applications SET tenant_id = ? WHERE app_id = ?", (cloud.tenant, made.administrator["clientId"]))
        stranger_secret = made.administrator
    answer = cloud.token_answer(client=stranger_secret["clientId"], secret=stranger_secret["clientSecret"])
    assert answer.status == 200, answer
    return answer.json["access_token"]


class Locations(Case):
    def test_the_regions(self):
        all_ = {l["name"]: l for l in self.good(cloud.arm("GET", cloud.scope + "/locations", SUBSCRIPTIONS))["value"]}
        self.assertGreater(len(all_), 50)
        here = all_["westeurope"]
        self.assertEqual((here["id"], here["displayName"], here["regionalDisplayName"], here["type"]),
                         (f"{cloud.scope}/locations/westeurope", "West Europe", "(Europe) West Europe", "Region"))
        self.assertEqual(here["metadata"]["pairedRegion"], [{"name": "northeurope", "id": f"{cloud.scope}/locations/northeurope"}])
        for location in all_.values():
            data = location["metadata"]
            self.assertIn(data["regionCategory"], ("Recommended", "Other"))
            self.assertTrue(-180 <= float(data["longitude"]) <= 180 and -90 <= float(data["latitude"]) <= 90)
            for pair in data["pairedRegion"]:
                self.assertIn(pair["name"], all_)
        self.refuse(cloud.arm("POST", cloud.scope + "/locations", SUBSCRIPTIONS, {}), 405, "MethodNotAllowed")


class Namespaces(Case):
    def test_the_table_of_types_is_what_is_shown(self):
        all_ = {p["namespace"]: p for p in self.good(cloud.arm("GET", cloud.scope + "/providers", RESOURCES))["value"]}
        for name in ("Microsoft.Compute", "Microsoft.KeyVault", "Microsoft.ManagedIdentity", "Microsoft.Resources",
                     "Microsoft.Authorization", "Microsoft.Features", "Microsoft.Insights"):
            self.assertIn(name, all_)
            for type_ in all_[name]["resourceTypes"]:
                dates = [version[:10] for version in type_["apiVersions"]]
                self.assertEqual(dates, sorted(dates, reverse=True))
                self.assertIn(type_.get("defaultApiVersion"), type_["apiVersions"] or [None])
        compute = self.good(cloud.arm("GET", f"{cloud.scope}/providers/microsoft.compute?$expand=metadata", RESOURCES))
        self.assertEqual((compute["id"], compute["registrationState"]), (f"{cloud.scope}/providers/Microsoft.Compute", "Registered"))
        disks, = [t for t in compute["resourceTypes"] if t["resourceType"] == "disks"]
        self.assertIn("West Europe", disks["locations"])
        self.assertIn("2024-03-02", disks["apiVersions"])
        for version in disks["apiVersions"]:
            self.good(cloud.arm("GET", f"{cloud.scope}/providers/Microsoft.Compute/disks", version))
        self.refuse(cloud.arm("GET", f"{cloud.scope}/providers/Microsoft.Compute/disks", "2024-03-03"), 400, "NoRegisteredProviderFound",
                    "2024-03-02")

    def test_above_the_subscriptions(self):
        compute = self.good(cloud.arm("GET", "/providers/Microsoft.Compute", RESOURCES, None, cloud.host_token()))
        self.assertEqual(compute["id"], "/providers/Microsoft.Compute")
        self.assertNotIn("registrationState", compute)
        self.assertGreater(len(self.good(cloud.arm("GET", "/providers", RESOURCES, None, cloud.host_token()))["value"]), 5)
        self.refuse(cloud.arm("POST", "/providers/Microsoft.Compute/register", RESOURCES), 405, "MethodNotAllowed")

    def test_unregistered(self):
        scope = f"/subscriptions/{other.subscription('namespaces')}"
        self.good(other.arm("PUT", f"{scope}/resourceGroups/rg", RESOURCES, {"location": "westeurope"}), 201)
        target = f"{scope}/resourceGroups/rg/providers/{IDENTITY}/id1"
        put = ("PUT", target, IDENTITIES, {"location": "westeurope"})
        at = f"{scope}/providers/Microsoft.ManagedIdentity"
        self.good(other.arm(*put), 201)
        self.refuse(other.arm("POST", at + "/unregister", RESOURCES), 409, "CannotUnregisterResourceProvider", "1 resources")
        self.good(other.arm("DELETE", target, IDENTITIES))
        self.assertEqual(self.good(other.arm("POST", at + "/unregister", RESOURCES))["registrationState"], "NotRegistered")
        self.good(other.arm("POST", at + "/unregister", RESOURCES))
        self.refuse(other.arm(*put), 409, "MissingSubscriptionRegistration", "'Microsoft.ManagedIdentity'")
        # Another subscription's is its own.
        self.assertEqual(self.good(cloud.arm("GET", f"{cloud.scope}/providers/Microsoft.ManagedIdentity", RESOURCES))["registrationState"],
                         "Registered")
        self.assertEqual(self.good(other.arm("POST", at + "/register", RESOURCES))["registrationState"], "Registered")
        self.good(other.arm(*put), 201)

    def test_what_cannot_be_unregistered(self):
        self.refuse(cloud.arm("POST", f"{cloud.scope}/providers/Microsoft.Resources/unregister", RESOURCES), 400,
                    "InvalidResourceNamespace")
        for method, path in (("GET", "Microsoft.Nothing"), ("POST", "Microsoft.Nothing/register")):
            self.refuse(cloud.arm(method, f"{cloud.scope}/providers/{path}", RESOURCES), 404, "InvalidResourceNamespace")
        self.refuse(cloud.arm("PUT", f"{cloud.scope}/providers/Microsoft.Compute", RESOURCES, {}), 405, "MethodNotAllowed")


class Features(Case):
    def setUp(self):
        self.scope = f"/subscriptions/{other.subscription('features')}"

    def feature(self, name, action=None, method=None):
        path = f"{self.scope}/providers/Microsoft.Features/providers/Microsoft.Compute/features/{name}"
        return other.arm(method or ("POST" if action else "GET"), path + (f"/{action}" if action else ""), FEATURES)

    def state(self, name):
        return self.good(self.feature(name))["properties"]["state"]

    def advance(self):
        done = cloud.command("clock", "--data-dir", cloud.dir, "advance", "PT2M")
        self.assertEqual(done.returncode, 0, done.stderr)
        cloud.tokens.clear()

    def test_registration_takes_its_time(self):
        self.assertEqual(self.state("EncryptionAtHost"), "NotRegistered")
        shown = self.good(self.feature("encryptionathost", "register"))
        self.assertEqual((shown["name"], shown["type"], shown["properties"]["state"]),
                         ("Microsoft.Compute/EncryptionAtHost", "Microsoft.Features/providers/features", "Registering"))
        self.advance()
        self.assertEqual(self.state("EncryptionAtHost"), "Registered")
        self.good(self.feature("EncryptionAtHost", "register"))
        self.assertEqual(self.state("EncryptionAtHost"), "Registered")
        self.assertEqual(self.good(self.feature("EncryptionAtHost", "unregister"))["properties"]["state"], "Unregistering")
        self.advance()
        self.assertEqual(self.state("EncryptionAtHost"), "Unregistered")

    def test_one_waits_for_the_operator(self):
        self.assertEqual(self.good(self.feature("DCav6Series", "register"))["properties"]["state"], "Pending")
        self.advance()
        self.assertEqual(self.state("DCav6Series"), "Pending")
        id_ = self.scope.split("/")[-1]
        self.assertIn(f"{id_}  Microsoft.Compute/DCav6Series", cloud.command("feature", "--data-dir", cloud.dir, "list").stdout)
        approve = ("feature", "--data-dir", cloud.dir, "approve", "--subscription", id_)
        done = cloud.command(*approve, "microsoft.compute/dcav6series")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.state("DCav6Series"), "Registering")
        self.advance()
        self.assertEqual(self.state("DCav6Series"), "Registered")
        again = cloud.command(*approve, "Microsoft.Compute/DCav6Series")
        self.assertEqual(again.returncode, 1)
        self.assertIn("waits for approval", again.stderr)
        self.good(self.feature("DCav6Series", "unregister"))
        for body in ({}, {"subscriptionId": id_, "namespace": "Microsoft.Compute"}):
            self.refuse(cloud.arm("POST", "/providers/Custodisk.Directory/approveFeature", OWN, body), 400, "InvalidRequestContent")
        self.refuse(cloud.arm("POST", "/providers/Custodisk.Directory/approveFeature", OWN,
                              {"subscriptionId": id_, "namespace": "Microsoft.Compute", "feature": "Nothing"}), 404,
                    "FeatureRequestNotFound")
        for words in (["approve"], ["approve", "DCav6Series"], []):
            self.assertEqual(cloud.command("feature", "--data-dir", cloud.dir, *words).returncode, 2)

    def test_lists(self):
        base = f"{self.scope}/providers/Microsoft.Features"
        all_ = self.good(other.arm("GET", f"{base}/features", FEATURES))["value"]
        for name in ("DCav6Series", "EncryptionAtHost", "DCasv5", "ECasv5", "VMSKUPreview"):
            self.assertIn(f"Microsoft.Compute/{name}", [f["name"] for f in all_])
        mine = self.good(other.arm("GET", f"{base}/providers/microsoft.compute/features", FEATURES))["value"]
        self.assertTrue(mine and all(f["name"].startswith("Microsoft.Compute/") for f in mine))
        self.assertEqual(self.good(other.arm("GET", f"{base}/providers/Microsoft.Nothing/features", FEATURES))["value"], [])
        self.assertEqual(self.good(other.arm("GET", mine[0]["id"], "2015-12-01")), mine[0])
        self.refuse(self.feature("Nothing"), 404, "FeatureNotFound")
        self.refuse(self.feature("Nothing", "register"), 404, "FeatureNotFound")
        self.refuse(self.feature("ECasv5", method="DELETE"), 405, "MethodNotAllowed")


class Tags(Case):
    def setUp(self):
        self.scope = f"/subscriptions/{other.subscription('tags')}"
        self.group = f"{self.scope}/resourceGroups/rg"
        self.identity = f"{self.group}/providers/{IDENTITY}/id1"
        other.arm("PUT", self.group, RESOURCES, {"location": "westeurope"})
        other.arm("PUT", self.identity, IDENTITIES, {"location": "westeurope", "tags": {"Owner": "me"}})

    def at(self, scope, method="GET", **body):
        return other.arm(method, f"{scope}/providers/Microsoft.Resources/tags/default", RESOURCES, body or None)

    def tags(self, answer):
        return self.good(answer)["properties"]["tags"]

    def test_every_scope_has_them(self):
        for scope in (self.scope, self.group, self.identity):
            put = self.good(self.at(scope, "PUT", properties={"tags": {"a": "1", "b": "2"}}))
            self.assertEqual((put["id"], put["name"]), (f"{scope}/providers/Microsoft.Resources/tags/default", "default"))
            self.assertEqual(self.tags(self.at(scope, "PATCH", operation="Merge", properties={"tags": {"A": "3", "c": "4"}})),
                             {"A": "3", "b": "2", "c": "4"})
            self.assertEqual(self.tags(self.at(scope, "PATCH", operation="delete", properties={"tags": {"b": "9", "C": "4", "a": ""}})),
                             {"b": "2"})
            self.assertEqual(self.tags(self.at(scope, "PATCH", operation="Replace", properties={"tags": {"z": "0"}})), {"z": "0"})
            self.assertEqual(self.tags(self.at(scope)), {"z": "0"})
            shown = self.good(other.arm("GET", scope, {self.identity: IDENTITIES}.get(scope, RESOURCES)))
            self.assertEqual(shown["tags"], {"z": "0"})
            self.good(self.at(scope, "DELETE"))
            self.assertEqual(self.tags(self.at(scope)), {})

    def test_what_is_refused(self):
        self.refuse(self.at(self.group, "PUT", properties={}), 400, "InvalidTagsRequest")
        self.refuse(self.at(self.group, "PATCH", properties={"tags": {}}), 400, "InvalidTagsRequest")
        self.refuse(self.at(self.group, "PATCH", operation="Change", properties={"tags": {}}), 400, "InvalidTagsRequest")
        self.refuse(self.at(self.group, "PUT", properties={"tags": {"a": 1}}), 400, "InvalidTagNameOrValue")
        self.refuse(self.at(self.group, "PUT", properties={"tags": {str(i): "" for i in range(51)}}), 400, "InvalidTags")
        for character in "<>%&\\?/\n\x7f":
            self.refuse(self.at(self.group, "PUT", properties={"tags": {f"a{character}": ""}}), 400, "InvalidTagNameCharacters")
        self.good(self.at(self.group, "PUT", properties={"tags": {"hidden-link:/subscriptions/0": "Resource", "a.b:c-d é": "<%>"}}))
        self.refuse(self.at(self.group + "absent"), 404, "ResourceGroupNotFound")
        self.refuse(self.at(self.group, "POST", properties={}), 405, "MethodNotAllowed")
        self.refuse(other.arm("GET", f"{self.group}/providers/Microsoft.Resources/tags/mine", RESOURCES), 404, "ResourceNotFound")

    def test_names(self):
        names = f"{self.scope}/tagNames"
        made = self.good(other.arm("PUT", f"{names}/Env", RESOURCES), 201)
        self.assertEqual((made["tagName"], made["count"], made["values"]), ("Env", {"type": "Total", "value": 0}, []))
        self.good(other.arm("PUT", f"{names}/env", RESOURCES))
        value = self.good(other.arm("PUT", f"{names}/Env/tagValues/prod", RESOURCES), 201)
        self.assertEqual((value["tagValue"], value["count"]["value"]), ("prod", 0))
        self.at(self.group, "PUT", properties={"tags": {"env": "prod", "team": "x"}})
        listed = {n["tagName"]: n for n in self.good(other.arm("GET", names, RESOURCES))["value"]}
        self.assertEqual(listed["Env"]["count"]["value"], 1)
        self.assertEqual([(v["tagValue"], v["count"]["value"]) for v in listed["Env"]["values"]], [("prod", 1)])
        self.assertEqual(listed["team"]["count"]["value"], 1)
        self.refuse(other.arm("DELETE", f"{names}/Env/tagValues/prod", RESOURCES), 409, "TagInUse")
        self.refuse(other.arm("DELETE", f"{names}/Env", RESOURCES), 409, "TagInUse")
        self.at(self.group, "DELETE")
        self.refuse(other.arm("DELETE", f"{names}/Env", RESOURCES), 409, "TagInUse")  # its value is there
        self.good(other.arm("DELETE", f"{names}/Env/tagValues/prod", RESOURCES))
        self.good(other.arm("DELETE", f"{names}/Env", RESOURCES))
        self.good(other.arm("DELETE", f"{names}/Env", RESOURCES), 204)
        self.refuse(other.arm("PUT", f"{names}/Nothing/tagValues/x", RESOURCES), 404, "TagNotFound")
        for bad in ("microsoftX", "a%3Cb", "windows"):
            self.refuse(other.arm("PUT", f"{names}/{bad}", RESOURCES), 400, "InvalidTagNameOrValue")
        self.refuse(other.arm("GET", f"{names}/Env", RESOURCES), 405, "MethodNotAllowed")
        self.refuse(other.arm("GET", f"{names}/Env/tagValues", RESOURCES), 405, "MethodNotAllowed")


class Listing(Case):
    @classmethod
    def setUpClass(cls):
        cls.scope = f"/subscriptions/{other.subscription('listing')}"
        for group in ("alpha", "beta"):
            other.arm("PUT", f"{cls.scope}/resourceGroups/{group}", RESOURCES, {"location": "westeurope"})
            for i in range(3):
                other.arm("PUT", f"{cls.scope}/resourceGroups/{group}/providers/{IDENTITY}/{group}-{i}", IDENTITIES,
                          {"location": "westeurope" if i else "northeurope", "tags": {"Number": str(i), "group": group}})

    def names(self, filter_=None, **query):
        return [r["name"] for r in self.good(filtered(f"{self.scope}/resources", filter_, RESOURCES, other.token(), **query))["value"]]

    def test_filters(self):
        everything = ["alpha-0", "alpha-1", "alpha-2", "beta-0", "beta-1", "beta-2"]
        self.assertEqual(self.names(), everything)
        for filter_, wanted in (
                (f"resourceType eq '{IDENTITY}'", everything), (f"resourceType ne '{IDENTITY.lower()}'", []),
                ("name eq 'ALPHA-1'", ["alpha-1"]), ("substringof('-2', name)", ["alpha-2", "beta-2"]),
                ("resourceGroup eq 'beta' and location eq 'northeurope'", ["beta-0"]),
                ("substringof('lph', resourceGroup) and (name eq 'alpha-0' or name eq 'beta-0')", ["alpha-0"]),
                ("name eq 'alpha-0' or name eq 'beta-1'", ["alpha-0", "beta-1"]),
                ("tagName eq 'number'", everything), ("tagname eq 'Number' and tagvalue eq '2'", ["alpha-2", "beta-2"]),
                ("startswith(tagName, 'gro')", everything), ("tagName eq 'absent'", []), ("plan eq 'x'", []), ("plan ne 'x'", everything),
                ("identity/principalId eq 'x'", [])):
            self.assertEqual(self.names(filter_), wanted, filter_)

    def test_what_is_no_filter(self):
        for filter_ in ("name", "name gt 'x'", "created eq 'x'", "startswith(name, 'x')", "substringof('x', location)",
                        "tagName eq 'a' and name eq 'b'", "tagName eq 'a' or tagValue eq 'b'", "tagValue eq 'b'", "tagName ne 'a'",
                        " and ".join(["name eq 'x'"] * 33), "(" * 9 + "name eq 'x'" + ")" * 9):
            self.refuse(filtered(f"{self.scope}/resources", filter_, RESOURCES, other.token()), 400, "InvalidFilterInQueryString")
        for query, code in (({"$expand": "properties"}, "InvalidExpandInQueryString"), ({"$top": "0"}, "InvalidTop"),
                            ({"$skiptoken": "!"}, "InvalidSkipToken"), ({"$skiptoken": "eHg"}, "InvalidSkipToken")):
            self.refuse(filtered(f"{self.scope}/resources", None, RESOURCES, other.token(), **query), 400, code)
        self.refuse(other.arm("POST", f"{self.scope}/resources", RESOURCES, {}), 405, "MethodNotAllowed")
        self.refuse(other.arm("GET", f"{self.scope}/resourceGroups/gamma/resources", RESOURCES), 404, "ResourceGroupNotFound")

    def test_what_is_shown(self):
        path = f"{self.scope}/resourceGroups/alpha/resources"
        first = self.good(filtered(path, None, RESOURCES, other.token(), **{"$expand": "createdTime,changedTime,provisioningState"}))
        self.assertEqual(len(first["value"]), 3)
        shown = first["value"][0]
        self.assertEqual((shown["type"], shown["location"], shown["tags"]["group"]), (IDENTITY, "northeurope", "alpha"))
        self.assertTrue(shown["createdTime"].endswith("Z") and shown["changedTime"].endswith("Z"))
        self.assertNotIn("properties", shown)
        # Filtered by a tag and its value, the tags stay away, as in Azure.
        by_tag = self.good(filtered(path, "tagName eq 'Number' and tagValue eq '1'", RESOURCES, other.token()))["value"]
        self.assertEqual([("tags" in r, r["name"]) for r in by_tag], [(False, "alpha-1")])

    def test_groups_by_tag(self):
        tags = {"alpha": {"Cost": "1"}, "beta": {"cost": "2"}}
        for group, value in tags.items():
            other.arm("PATCH", f"{self.scope}/resourceGroups/{group}", RESOURCES, {"tags": value})

        def groups(filter_):
            return filtered(f"{self.scope}/resourceGroups", filter_, RESOURCES, other.token())

        for filter_, wanted in (("tagName eq 'cost'", ["alpha", "beta"]), ("tagname eq 'cost' and tagvalue eq '2'", ["beta"]),
                                ("tagName eq 'none'", []), ("", ["alpha", "beta"])):
            self.assertEqual([g["name"] for g in self.good(groups(filter_))["value"]], wanted, filter_)
        for filter_ in ("name eq 'alpha'", "tagValue eq '2'", "tagName ne 'x'", "tagName eq 'a' or tagValue eq 'b'", "("):
            self.refuse(groups(filter_), 400, "InvalidFilterInQueryString")

    def test_pages(self):
        token = other.token()
        pages = cloud.follow(filtered(f"{self.scope}/resources", "substringof('-', name)", RESOURCES, token, **{"$top": "4"}), token)
        self.assertEqual([[r["name"] for r in page] for page in pages],
                         [["alpha-0", "alpha-1", "alpha-2", "beta-0"], ["beta-1", "beta-2"]])
        pages = cloud.follow(filtered(f"{self.scope}/resourceGroups/beta/resources", None, RESOURCES, token, **{"$top": "2"}), token)
        self.assertEqual([len(page) for page in pages], [2, 1])

    def test_only_what_the_caller_may_read(self):
        self.refuse(cloud.arm("GET", f"{cloud.scope}/resources", RESOURCES, None, stranger()), 403, "AuthorizationFailed")
        target = cloud.id(IDENTITY, "seen")
        cloud.make_identity("seen")
        cloud.make_identity("unseen")
        self.good(cloud.assign(target, cloud.claims(stranger())["oid"], READER), 201)
        shown = self.good(cloud.arm("GET", f"{cloud.scope}/resources", RESOURCES, None, stranger()))["value"]
        self.assertEqual([r["name"] for r in shown], ["seen"])
        cloud.arm("DELETE", target, IDENTITIES)

    def test_ten_thousand(self):
        scope = f"/subscriptions/{other.subscription('many')}"
        other.arm("PUT", f"{scope}/resourceGroups/rg", RESOURCES, {"location": "westeurope"})
        row = ("INSERT INTO resources (id, display_id, type, subscription_id, resource_group, name, body, hidden, generation, created,"
               " changed) VALUES (?,?,?,?,'rg',?,?,'{}',0,1,1)")
        body = json.dumps({"location": "westeurope", "tags": {"a": "b"}, "properties": {"x": "y" * 300}})
        with cloud.store() as db:
            for i in range(10000):
                id_ = f"{scope}/resourceGroups/rg/providers/{IDENTITY}/id{i:05}"
                db.execute(row, (id_.lower(), id_, IDENTITY, scope.split("/")[-1], f"id{i:05}", body))
        token = other.token()
        took = {}
        for name, filter_, wanted in (("all", None, 10000), ("one", "name eq 'id09999'", 1), ("tag", "tagName eq 'z'", 0)):
            began = time.monotonic()
            pages = cloud.follow(filtered(f"{scope}/resources", filter_, RESOURCES, token), token)
            took[name] = time.monotonic() - began
            self.assertEqual(sum(len(page) for page in pages), wanted)
            self.assertTrue(all(len(page) <= 1000 for page in pages))
        print("10,000 resources listed in", {name: f"{seconds:.2f} s" for name, seconds in took.items()})
        self.assertTrue(all(seconds < 20 for seconds in took.values()), took)  # by rows that are loaded one by one it is minutes


class Names(Case):
    def test_reserved_words(self):
        def check(name):
            return self.good(cloud.arm("POST", "/providers/Microsoft.Resources/checkResourceName", RESOURCES,
                                       {"name": name, "type": "x/y"}))["status"]

        self.assertEqual([check(n) for n in ("disk1", "mylogin", "myazure")], ["Allowed"] * 3)
        self.assertEqual([check(n) for n in ("Login1", "azure", "myMicrosoft", "xboxes")], ["Reserved"] * 4)
        self.refuse(cloud.arm("POST", "/providers/Microsoft.Resources/checkResourceName", RESOURCES, {"name": "x"}), 400,
                    "InvalidRequestContent")
        self.refuse(cloud.arm("GET", "/providers/Microsoft.Resources/checkResourceName", RESOURCES), 405, "MethodNotAllowed")


class Moves(Case):
    def test_nothing_moves(self):
        cloud.make_identity("stays")
        cloud.make_group("target")
        ids = [cloud.id(IDENTITY, "stays")]
        for action in ("moveResources", "validateMoveResources"):
            def move(resources=ids, target=cloud.group("target"), method="POST"):
                return cloud.arm(method, f"{cloud.group()}/{action}", RESOURCES,
                                 {"resources": resources, "targetResourceGroup": target})

            refused = move()
            self.refuse(refused, 409, "ResourceMoveNotSupported", IDENTITY)
            self.assertEqual([d["target"] for d in refused.json["error"]["details"]], ids)
            self.refuse(move([]), 400, "InvalidRequestContent")
            self.refuse(move(None), 400, "InvalidRequestContent")
            self.refuse(move(ids * 801), 400, "InvalidRequestContent")
            self.refuse(move([1]), 400, "ResourceNotInSourceGroup")
            self.refuse(move([cloud.id(IDENTITY, "stays", "target")]), 400, "ResourceNotInSourceGroup")
            self.refuse(move([cloud.id(IDENTITY, "absent")]), 404, "ResourceNotFound")
            self.refuse(move(target=cloud.group("absent")), 404, "ResourceGroupNotFound")
            self.refuse(move(target=cloud.scope), 400, "InvalidRequestContent")
            self.refuse(move(target=f"/subscriptions/{other.subscription('elsewhere')}/resourceGroups/rg"), 403,
                        "LinkedAuthorizationFailed")
            self.refuse(move(method="PUT"), 405, "MethodNotAllowed")


class ActivityLog(Case):
    PATH = "/providers/Microsoft.Insights/eventtypes/management/values"

    def events(self, extra="", token=None, scope=None, **query):
        return filtered((cloud.scope if scope is None else scope) + self.PATH, "eventTimestamp ge '2020-01-01T00:00:00Z'" + extra,
                        EVENTS, token, **query)

    def values(self, *arguments, **options):
        return self.good(self.events(*arguments, **options))["value"]

    def test_an_event(self):
        correlation = str(uuid.uuid4())
        path = cloud.group("logged")
        answer = cloud.send("PUT", ARM, f"{path}?api-version={RESOURCES}", {"location": "westeurope"},
                            {"Authorization": "Bearer " + cloud.token(), "x-ms-correlation-request-id": correlation})
        self.assertEqual(answer.headers["x-ms-correlation-request-id"], correlation)
        event, = self.values(f" and correlationId eq '{correlation}'")
        me = cloud.me()
        self.assertEqual(event["authorization"], {"action": "Microsoft.Resources/subscriptions/resourceGroups/write", "scope": path})
        self.assertEqual((event["caller"], event["correlationId"], event["level"], event["resourceGroupName"]),
                         (me, correlation, "Informational", "logged"))
        self.assertEqual((event["category"]["value"], event["status"]["value"], event["resourceId"], event["httpRequest"]["method"]),
                         ("Administrative", "Succeeded", path, "PUT"))
        self.assertEqual((event["tenantId"], event["subscriptionId"], event["eventName"]["value"]),
                         (cloud.tenant, cloud.subscription, "EndRequest"))
        self.assertEqual(event["claims"]["appid"], cloud.client)
        self.assertTrue(event["id"].startswith(f"{path}/events/{event['eventDataId']}/ticks/63"))

    def test_a_refusal_is_an_error(self):
        self.refuse(cloud.arm("PUT", cloud.group("bad.."), RESOURCES, {"location": "westeurope"}), 400, "InvalidResourceGroup")
        failed = self.values(" and status eq 'Failed' and resourceGroupName eq 'bad..'")
        self.assertEqual(failed[0]["level"], "Error")
        self.assertIn("InvalidResourceGroup", failed[0]["properties"]["statusMessage"])

    def test_filters(self):
        cloud.make_identity("logged")
        target = cloud.id(IDENTITY, "logged")
        for extra in (f" and resourceUri eq '{target.upper()}'", f" and resourceId eq '{target}' and caller eq '{cloud.me()}'",
                      f" and resourceUri eq '{target}' and resourceProvider eq 'Microsoft.ManagedIdentity' and levels eq 'Error,Informational'",
                      f" and resourceUri eq '{target}' and resourceType eq '{IDENTITY}' and operationName eq '{IDENTITY}/write'"
                      " and eventChannels eq 'Admin, Operation'"):
            event, = self.values(extra)
            self.assertEqual(event["resourceId"], target)
        self.good(filtered(cloud.scope + self.PATH, "eventTimestamp ge 2026-11-21T11:21:06.928273", EVENTS))  # as az asks
        for extra in (" and caller eq 'x'", " and levels eq 'Critical'", " and eventTimestamp le 2020-01-02T00:00:00Z",
                      " and resourceProvider eq 'Microsoft'", " and status eq 'Started'"):
            self.assertEqual(self.values(extra), [], extra)
        for bad in (None, "", "resourceGroupName eq 'rg'", "eventTimestamp ge 'yesterday'", "eventTimestamp eq '2020-01-01T00:00:00Z'",
                    "eventTimestamp le '2020-01-01T00:00:00Z'", "eventTimestamp ge '2020-01-01T00:00:00Z' and color eq 'red'",
                    "eventTimestamp ge '2020-01-01T00:00:00Z' and status ne 'x'",
                    "eventTimestamp ge '2020-01-01T00:00:00Z' or status eq 'x'"):
            self.refuse(filtered(cloud.scope + self.PATH, bad, EVENTS), 400, "BadRequest")
        self.refuse(filtered(cloud.scope + self.PATH, "(", EVENTS), 400, "InvalidFilterInQueryString")

    def test_pages_and_members(self):
        for i in range(5):
            cloud.arm("PATCH", cloud.group(), RESOURCES, {"tags": {"n": str(i)}})
        only = f" and resourceUri eq '{cloud.group()}'"
        pages = cloud.follow(self.events(only, **{"$top": "2", "$select": "eventDataId, eventTimestamp"}))
        events = [event for page in pages for event in page]
        self.assertTrue(all(len(page) <= 2 for page in pages) and len(events) >= 5)
        self.assertEqual({tuple(sorted(event)) for event in events}, {("eventDataId", "eventTimestamp")})
        self.assertEqual(len({event["eventDataId"] for event in events}), len(events))
        times = [event["eventTimestamp"] for event in events]
        self.assertEqual(times, sorted(times, reverse=True))
        self.refuse(self.events(**{"$skiptoken": "eHg"}), 400, "InvalidSkipToken")
        self.refuse(cloud.arm("POST", cloud.scope + self.PATH, EVENTS, {}), 405, "MethodNotAllowed")
        self.refuse(cloud.arm("GET", f"{cloud.scope}/providers/Microsoft.Insights/eventtypes/digest/values", EVENTS), 405,
                    "MethodNotAllowed")

    def test_a_tenant_sees_its_own(self):
        other.subscription("logged")
        theirs = self.values(scope="", token=other.token())
        self.assertTrue(theirs)
        self.assertEqual({event["tenantId"] for event in theirs}, {other.id})
        mine = self.values(scope="")
        self.assertIn(f"{TENANTS}/{other.id}", {event["resourceId"] for event in mine})
        self.assertEqual({event["tenantId"] for event in mine}, {cloud.tenant})
        self.assertNotIn(other.administrator["clientSecret"], json.dumps(mine))

    def test_ninety_days(self):
        event, old = str(uuid.uuid4()), str(uuid.uuid4())
        day = 86400 * 10**9
        row = ("INSERT INTO activity_log (id, time_ns, tenant_id, subscription_id, resource_id, operation, status, caller)"
               " VALUES (?,?,?,?,'/x','x/y/write','Succeeded','z')")
        with cloud.store() as db:
            db.execute(row, (old, time.time_ns() - 91 * day, cloud.tenant, cloud.subscription))
            db.execute(row, (event, time.time_ns() - 89 * day, cloud.tenant, cloud.subscription))

        def left():
            return {id_ for id_, in cloud.sql("SELECT id FROM activity_log WHERE id IN (?,?)", event, old)}

        cloud.until(lambda: old not in left())
        self.assertEqual(left(), {event})


class Compute(Case):
    def test_what_clients_ask_before_they_make_a_machine(self):
        at = f"{cloud.scope}/providers/Microsoft.Compute"
        usages = {u["name"]["value"]: u for u in self.good(cloud.arm("GET", at + "/locations/westeurope/usages", "2024-07-01"))["value"]}
        self.assertEqual((usages["virtualMachines"]["limit"], usages["disks"]["currentValue"]), (512, 0))
        sizes = {s["name"]: s for s in self.good(cloud.arm("GET", at + "/locations/westeurope/vmSizes", "2024-07-01"))["value"]}
        self.assertEqual((sizes["Standard_D2s_v5"]["numberOfCores"], sizes["Standard_D2s_v5"]["memoryInMB"]), (2, 8192))
        skus = self.good(filtered(at + "/skus", "location eq 'westeurope'", "2021-07-01"))["value"]
        self.assertEqual({s["name"] for s in skus}, set(sizes))
        confidential, = [s for s in skus if s["name"] == "Standard_DC2as_v5"]
        self.assertIn({"name": "ConfidentialComputingType", "value": "SNP"}, confidential["capabilities"])
        self.assertGreater(len(self.good(cloud.arm("GET", at + "/skus", "2021-07-01"))["value"]), 50 * len(sizes))
        self.assertEqual(self.good(filtered(at + "/skus", "location eq 'mars'", "2021-07-01"))["value"], [])
        self.refuse(filtered(at + "/skus", "name eq 'x'", "2021-07-01"), 400, "InvalidFilterInQueryString")
        for name in ("usages", "vmSizes"):
            self.refuse(cloud.arm("GET", f"{at}/locations/mars/{name}", "2024-07-01"), 400, "NoRegisteredProviderFound", "mars")
            self.refuse(cloud.arm("GET", f"{at}/locations/westeurope/{name}", "2024-07-01", None, stranger()), 403, "AuthorizationFailed")
            self.refuse(cloud.arm("POST", f"{at}/locations/westeurope/{name}", "2024-07-01", {}), 405, "MethodNotAllowed")
        self.refuse(cloud.arm("GET", at + "/skus", "2021-07-01", None, stranger()), 403, "AuthorizationFailed")

    def test_a_resource_is_in_a_region_that_there_is(self):
        path = f"{cloud.scope}/resourceGroups/elsewhere"
        self.refuse(cloud.arm("PUT", path, RESOURCES, {"location": "Mars"}), 400, "LocationNotAvailableForResourceType", "westeurope")
        self.assertEqual(self.good(cloud.arm("PUT", path, RESOURCES, {"location": "West US 2"}), 201)["location"], "westus2")


class Restart(Case):
    def test_z_the_instance_starts_again_with_what_was_made(self):
        cloud.down()
        cloud.up()
        self.assertIn(other.id, cloud.command("tenant", "--data-dir", cloud.dir, "list").stdout)
        self.good(other.arm("GET", "/subscriptions", SUBSCRIPTIONS))


if __name__ == "__main__":
    unittest.main()
