#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may do what: role assignments, groups, custom roles, locks; through the control plane and as a vault sees it."""

import hashlib
import json
import os
import time
import unittest
import urllib.parse
import uuid

import harness
from harness import ENCRYPTION_USER, GROUPS, IDENTITIES, OWNER, READER, ROLES, Instance

CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
ACCESS_ADMINISTRATOR = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
DATA_ACCESS_ADMINISTRATOR = "8b54135c-b56d-4d72-a534-26097cfdc8d8"
AUTHORIZATION = "/providers/Microsoft.Authorization/"
ASSIGNMENTS = AUTHORIZATION + "roleAssignments"
DEFINITIONS = AUTHORIZATION + "roleDefinitions"
LOCKS = AUTHORIZATION + "locks"
LOCK_VERSION = "2020-05-01"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
ABSENT = "00000000-0000-4000-8000-00000000dead"


def setUpModule():
    global cloud
    cloud = Instance()
    cloud.up()
    for name in ("rg", "a", "ab", "locked"):
        cloud.make_group(name)


def tearDownModule():
    cloud.down()
    cloud.__exit__()


def store(*statements):
    """Write to the instance's directory, as Graph does."""
    with cloud.store() as database:
        for sql, values in statements:
            database.execute(sql, values)


class Principal:
    """An application of its own, in a tenant, with a token for it."""

    def __init__(self, tenant=None):
        self.tenant, self.app, self.oid = tenant or cloud.tenant, str(uuid.uuid4()), str(uuid.uuid4())
        self.application, self.tokens = str(uuid.uuid4()), {}
        self.secret = uuid.uuid4().hex
        now = int(time.time())
        store(("INSERT INTO applications (app_id, object_id, tenant_id, display_name, created) VALUES (?,?,?,'test',?)",
               (self.app, self.application, self.tenant, now)),
              ("INSERT INTO service_principals (object_id, tenant_id, app_id, kind, display_name, enabled, created)"
               " VALUES (?,?,?,'Application','test',1,?)", (self.oid, self.tenant, self.app, now)),
              ("INSERT INTO application_secrets (key_id, app_id, secret_hash, not_before, not_after) VALUES (?,?,?,?,?)",
               (str(uuid.uuid4()), self.app, hashlib.sha256(self.secret.encode()).hexdigest(), now - 60, now + 86400)))

    def token(self, resource="https://management.azure.com"):
        if resource not in self.tokens:
            answer = cloud.token_answer(resource, self.tenant, self.app, self.secret)
            assert answer.status == 200, answer
            self.tokens[resource] = answer.json["access_token"]
        return self.tokens[resource]

    def arm(self, method, path, body=None, version=ROLES):
        return cloud.arm(method, path, version, body, self.token())

    def sees(self, scope):
        status = self.arm("GET", scope + ASSIGNMENTS).status
        assert status in (200, 403), status
        return status == 200


def new_tenant():
    tenant, subscription = str(uuid.uuid4()), str(uuid.uuid4())
    store(("INSERT INTO tenants (id, display_name, created) VALUES (?,'other',0)", (tenant,)),
          ("INSERT INTO subscriptions (id, tenant_id, display_name) VALUES (?,?,'other')", (subscription, tenant)))
    return tenant, subscription


def new_group(*members, tenant=None):
    group = str(uuid.uuid4())
    store(("INSERT INTO groups (object_id, tenant_id, display_name, created, body) VALUES (?,?,'g',0,'{}')",
           (group, tenant or cloud.tenant)),
          *(("INSERT INTO group_members (group_id, member_id) VALUES (?,?)", (group, m)) for m in members))
    return group


def new_user():
    user = str(uuid.uuid4())
    store(("INSERT INTO users (object_id, tenant_id, upn, display_name, enabled, created, body) VALUES (?,?,?,'u',1,0,'{}')",
           (user, cloud.tenant, user + "@custodisk.onmicrosoft.com")))
    return user


def assign(scope, principal, role, name=None, token=None, **properties):
    definition = role if "/" in role else f"{cloud.scope}{DEFINITIONS}/{role}"
    return cloud.arm("PUT", f"{scope}{ASSIGNMENTS}/{name or uuid.uuid4()}", ROLES,
                     {"properties": {"principalId": principal, "roleDefinitionId": definition, **properties}}, token)


def define(name=None, guid=None, scope=None, scopes=None, token=None, title=None, **permission):
    scope = scope or cloud.scope
    body = {"properties": {"roleName": title or f"Role {uuid.uuid4()}", "description": "ours", "type": "CustomRole",
                           "permissions": [permission or {"actions": ["*/read"]}],
                           "assignableScopes": scopes if scopes is not None else [scope]}}
    return cloud.arm("PUT", f"{scope}{DEFINITIONS}/{guid or uuid.uuid4()}", ROLES, body, token)


def listed(path, filter_=None, token=None, version=ROLES):
    query = f"?$filter={urllib.parse.quote(filter_)}" if filter_ else ""
    answer = cloud.arm("GET", path + query, version, None, token)
    assert answer.status == 200, answer
    return answer.json["value"]


class Case(harness.Case):
    def good(self, answer, status=201):
        return super().good(answer, status)


class Assignments(Case):
    def test_the_form_of_an_assignment(self):
        p, name = Principal(), str(uuid.uuid4())
        made = self.good(assign(cloud.group(), p.oid, READER, name, description="for a while"))
        properties = made["properties"]
        self.assertEqual(made["id"], f"{cloud.group()}{ASSIGNMENTS}/{name}")
        self.assertEqual((made["name"], made["type"]), (name, "Microsoft.Authorization/roleAssignments"))
        self.assertEqual(properties["roleDefinitionId"], f"{cloud.scope}{DEFINITIONS}/{READER}")
        self.assertEqual((properties["principalId"], properties["principalType"]), (p.oid, "ServicePrincipal"))
        self.assertEqual((properties["scope"], properties["description"]), (cloud.group(), "for a while"))
        self.assertEqual((properties["createdBy"], properties["updatedBy"]), (cloud.me(), cloud.me()))
        self.assertIsNone(properties["condition"])
        self.assertEqual(self.good(cloud.arm("GET", made["id"].upper().replace("/PROVIDERS", "/providers"), ROLES), 200)["name"],
                         name)
        # What was got can be put back, and the description alone changes.
        again = cloud.arm("PUT", made["id"], ROLES, {"properties": {**properties, "description": "for good"}})
        self.assertEqual(self.good(again, 200)["properties"]["description"], "for good")
        self.good(cloud.arm("DELETE", made["id"], ROLES), 200)
        self.assertEqual(cloud.arm("DELETE", made["id"], ROLES).status, 204)
        self.refuse(cloud.arm("GET", made["id"], ROLES), 404, "RoleAssignmentNotFound")

    def test_a_name_is_one_assignments_in_the_tenant(self):
        p, q, name = Principal(), Principal(), str(uuid.uuid4())
        self.good(assign(cloud.group("a"), p.oid, READER, name))
        for scope, who, role in ((cloud.group("ab"), p.oid, READER), (cloud.group("a"), q.oid, READER),
                                 (cloud.group("a"), p.oid, OWNER)):
            self.refuse(assign(scope, who, role, name), 409, "RoleAssignmentUpdateNotPermitted",
                        "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.")
        self.refuse(assign(cloud.group("a"), p.oid, READER), 409, "RoleAssignmentExists", name.replace("-", ""))

    def test_what_cannot_be_assigned(self):
        p = Principal()
        other, _ = new_tenant()
        stranger = Principal(other)
        group = cloud.group()
        self.refuse(assign(group, p.oid, READER, "not-a-guid"), 400, "InvalidRoleAssignmentId")
        self.refuse(assign(group, p.oid, ABSENT), 400, "RoleDefinitionDoesNotExist")
        self.refuse(assign(group, p.oid, "/nonsense/"), 400, "RoleDefinitionDoesNotExist")
        self.refuse(assign(group, ABSENT, READER), 400, "PrincipalNotFound", ABSENT)
        self.refuse(assign(group, stranger.oid, READER), 400, "PrincipalNotFound")
        self.refuse(assign(group, new_group(tenant=other), READER), 400, "PrincipalNotFound")
        self.refuse(assign(group, "me", READER), 400, "InvalidPrincipalId")
        self.refuse(assign(group, p.application, READER), 400, "PrincipalTypeNotSupported",
                    "Principals of type Application cannot validly be used in role assignments.")
        for wrong in ("User", "Group", "ForeignGroup", "Device"):
            self.refuse(assign(group, p.oid, READER, principalType=wrong), 400, "UnmatchedPrincipalType", wrong)
        self.refuse(assign(group, p.oid, READER, condition="true"), 400, "InvalidCondition")
        self.refuse(assign(group, p.oid, READER, conditionVersion="2.0"), 400, "InvalidCondition")
        self.refuse(assign(group, p.oid, READER, delegatedManagedIdentityResourceId="/x"), 400,
                    "DelegatedManagedIdentityNotSupported")
        self.refuse(assign(group, p.oid, READER, description="x" * 1025), 400, "BadRequestFormat")
        self.refuse(assign(cloud.group("absent"), p.oid, READER), 404, "ResourceGroupNotFound")
        self.refuse(assign(cloud.id("Microsoft.KeyVault/vaults", "absent"), p.oid, READER), 404, "ResourceNotFound")
        self.refuse(assign("", p.oid, READER, token=p.token()), 403, "AuthorizationFailed")
        self.refuse(cloud.arm("POST", f"{group}{ASSIGNMENTS}/{uuid.uuid4()}", ROLES, {}), 405, "MethodNotAllowed")
        self.refuse(cloud.arm("GET", group + ASSIGNMENTS, "2022-04-02"), 400, "NoRegisteredProviderFound")

    def test_principals_of_every_kind(self):
        for who, kind in ((new_user(), "User"), (new_group(), "Group"), (Principal().oid, "ServicePrincipal")):
            self.assertEqual(self.good(assign(cloud.group(), who, READER))["properties"]["principalType"], kind)
            self.good(assign(cloud.group("a"), who.upper(), READER, principalType=kind))

    def test_who_may_assign(self):
        p, q = Principal(), Principal()
        self.refuse(assign(cloud.group("a"), q.oid, READER, token=p.token()), 403, "AuthorizationFailed")
        self.good(assign(cloud.group("a"), p.oid, CONTRIBUTOR))
        self.refuse(assign(cloud.group("a"), q.oid, READER, token=p.token()), 403, "AuthorizationFailed")
        self.good(assign(cloud.group("a"), p.oid, DATA_ACCESS_ADMINISTRATOR))
        self.refuse(assign(cloud.group("a"), q.oid, READER, token=p.token()), 403, "AuthorizationFailed")
        made = self.good(assign(cloud.group("a"), q.oid, ENCRYPTION_USER, token=p.token()))
        self.good(assign(cloud.group("a"), p.oid, ACCESS_ADMINISTRATOR))
        self.good(assign(cloud.group("a"), q.oid, READER, token=p.token()))
        self.refuse(assign(cloud.group("ab"), q.oid, READER, token=p.token()), 403, "AuthorizationFailed")
        self.refuse(assign(cloud.scope, q.oid, READER, token=p.token()), 403, "AuthorizationFailed")
        self.refuse(q.arm("DELETE", made["id"]), 403, "AuthorizationFailed")

    def test_lists(self):
        p = Principal()
        identity = cloud.make_identity("id-list") and cloud.id(IDENTITY, "id-list")
        group = new_group(p.oid)
        outer = new_group(group)
        at = {scope: self.good(assign(scope, p.oid, READER))["id"] for scope in (cloud.scope, cloud.group(), identity)}
        grouped = self.good(assign(cloud.group(), outer, OWNER))["id"]

        def ids(scope, filter_):
            return {a["id"] for a in listed(scope + ASSIGNMENTS, filter_)}

        mine = f"principalId eq '{p.oid}'"
        self.assertEqual(ids(cloud.scope, mine), set(at.values()))
        self.assertEqual(ids(cloud.group(), mine), set(at.values()))
        self.assertEqual(ids(cloud.group("a"), mine), {at[cloud.scope]})
        self.assertEqual(ids(cloud.group(), "atScope() and " + mine), {at[cloud.scope], at[cloud.group()]})
        self.assertEqual(ids(identity, mine.upper().replace("PRINCIPALID EQ", "principalid EQ")), set(at.values()))
        self.assertEqual(ids(cloud.scope, f"assignedTo('{p.oid}')"), set(at.values()) | {grouped})
        self.assertEqual(ids(cloud.group(), f"atScope() and assignedTo('{p.oid}')"),
                         {at[cloud.scope], at[cloud.group()], grouped})
        self.assertEqual(ids(cloud.scope, f"atScope() and assignedTo('{p.oid}')"), {at[cloud.scope]})
        self.assertEqual(ids(cloud.scope, f"principalId eq '{outer}'"), {grouped})
        self.assertLessEqual({*at.values(), grouped}, ids(cloud.group(), None))
        self.assertLessEqual({at[cloud.scope]}, ids(cloud.scope, "atScope()"))
        self.assertNotIn(grouped, ids(cloud.scope, "atScope()"))
        for bad in ("principalId eq 'x", "name eq 'x'", "atScope() or atScope()", "atScope() and ", "roleName eq 'Owner'",
                    f"{mine} and {mine}", "atScopeAndBelow()", "principalId eq ''"):
            query = f"?$filter={urllib.parse.quote(bad)}"
            self.refuse(cloud.arm("GET", cloud.scope + ASSIGNMENTS + query, ROLES), 400, "UnsupportedQuery")
        self.refuse(cloud.arm("GET", cloud.scope + ASSIGNMENTS + "?$skipToken=*", ROLES), 400, "InvalidSkipToken")

    def test_pages(self):
        role, total = str(uuid.uuid4()), 1203
        store(*(("INSERT INTO role_assignments (tenant_id, id, display_id, name, scope, display_scope, principal_id,"
                 " principal_type, role_id, created, created_by, updated, updated_by)"
                 " VALUES (?1,?2,?2,?3,?4,?4,?5,'User',?6,0,'',0,'')",
                 (cloud.tenant, f"{cloud.group('ab').lower()}{ASSIGNMENTS.lower()}/{name}", name, cloud.group("ab").lower(),
                  str(uuid.uuid4()), role)) for name in (str(uuid.uuid4()) for _ in range(total))))
        seen, target = [], f"{cloud.group('ab')}{ASSIGNMENTS}?api-version={ROLES}&$filter=atScope()"
        while target:
            answer = cloud.send("GET", "management.azure.com", target, None, {"Authorization": "Bearer " + cloud.token()})
            self.assertEqual(answer.status, 200, answer)
            seen += [a["id"] for a in answer.json["value"] if a["properties"]["roleDefinitionId"].endswith(role)]
            link = urllib.parse.urlsplit(answer.json.get("nextLink", ""))
            self.assertEqual(link.query.count("skiptoken"), 1 if link.query else 0)
            target = f"{link.path}?{link.query}" if link.path else None
        self.assertEqual((len(seen), len(set(seen))), (total, total))
        store(("DELETE FROM role_assignments WHERE role_id = ?", (role,)))


class Groups(Case):
    def test_members_have_what_their_groups_have(self):
        p, q = Principal(), Principal()
        inner = new_group(p.oid)
        outer = new_group(inner)
        self.assertFalse(p.sees(cloud.group("a")))
        made = self.good(assign(cloud.group("a"), outer, READER, principalType="Group"))
        self.assertTrue(p.sees(cloud.group("a")))
        self.assertFalse(p.sees(cloud.group("ab")))
        self.assertFalse(p.sees(cloud.scope))
        self.assertFalse(q.sees(cloud.group("a")))
        store(("DELETE FROM group_members WHERE group_id = ? AND member_id = ?", (inner, p.oid)))
        self.assertFalse(p.sees(cloud.group("a")))
        store(("INSERT INTO group_members (group_id, member_id) VALUES (?,?)", (outer, p.oid)))
        self.assertTrue(p.sees(cloud.group("a")))
        self.good(cloud.arm("DELETE", made["id"], ROLES), 200)
        self.assertFalse(p.sees(cloud.group("a")))

    def test_groups_count_in_a_vault(self):
        p = Principal()
        cloud.make_vault("kv-groups")
        cloud.make_key("kv-groups")
        vault = "https://vault.azure.net"
        self.assertEqual(cloud.vault("GET", "kv-groups", "/keys/k", token=p.token(vault)).status, 403)
        self.good(assign(cloud.id("Microsoft.KeyVault/vaults", "kv-groups") + "/keys/k", new_group(new_group(p.oid)),
                         ENCRYPTION_USER))
        self.assertEqual(cloud.vault("GET", "kv-groups", "/keys/k", token=p.token(vault)).status, 200)
        self.assertEqual(cloud.vault("GET", "kv-groups", "/keys", token=p.token(vault)).status, 403)


class Definitions(Case):
    def test_built_in_roles(self):
        role = self.good(cloud.arm("GET", f"{cloud.scope}{DEFINITIONS}/{OWNER}", ROLES), 200)
        self.assertEqual(role["id"], f"{cloud.scope}{DEFINITIONS}/{OWNER}")
        self.assertEqual((role["properties"]["roleName"], role["properties"]["type"]), ("Owner", "BuiltInRole"))
        self.assertEqual(role["properties"]["assignableScopes"], ["/"])
        self.assertEqual([r["name"] for r in listed(cloud.scope + DEFINITIONS, "roleName eq 'Owner'")], [OWNER])
        self.assertEqual(len({r["name"] for r in listed(cloud.scope + DEFINITIONS)}), len(listed(cloud.scope + DEFINITIONS)))
        self.refuse(cloud.arm("GET", f"{cloud.scope}{DEFINITIONS}/{ABSENT}", ROLES), 404, "RoleDefinitionDoesNotExist")
        self.refuse(define(guid=OWNER), 403, "RoleDefinitionNotWritable")
        self.refuse(cloud.arm("DELETE", f"{cloud.scope}{DEFINITIONS}/{READER}", ROLES), 403, "RoleDefinitionNotWritable")
        self.refuse(Principal().arm("GET", f"{cloud.scope}{DEFINITIONS}"), 403, "AuthorizationFailed")

    def test_nobody_becomes_a_hypervisor_by_a_role(self):
        """A poll answers with the capabilities of every tenant's disks."""
        with open(os.path.join(cloud.dir, "host.json")) as f:
            hypervisor = json.load(f)["hypervisorId"]
        owner, p = Principal(), Principal()
        self.good(assign(cloud.scope, owner.oid, OWNER))
        role = "6f5c0c66-2c7e-4d3d-9d1b-6a3a3c1f8e10"
        self.refuse(assign(hypervisor, p.oid, role, token=owner.token()), 403, "AuthorizationFailed", "operator")
        for actions in (["*"], ["Custodisk.Host/*"], ["Custodisk.Host/hypervisors/poll/action"]):
            guid = str(uuid.uuid4())
            self.good(define(guid=guid, actions=["*/read"], dataActions=actions, token=owner.token()))
            self.good(assign(hypervisor, p.oid, guid, token=owner.token()))
            self.refuse(p.arm("POST", hypervisor + "/poll", {}, "2026-11-01"), 403, "AuthorizationFailed")

    def test_the_life_of_a_custom_role(self):
        guid, title, p = str(uuid.uuid4()), f"Operators {uuid.uuid4()}", Principal()
        made = self.good(define(guid=guid, title=title, actions=["Microsoft.ManagedIdentity/*"],
                                notActions=["Microsoft.ManagedIdentity/*/delete"], dataActions=["Microsoft.KeyVault/vaults/keys/read"]))
        properties = made["properties"]
        self.assertEqual((made["id"], made["name"]), (f"{cloud.scope}{DEFINITIONS}/{guid}", guid))
        self.assertEqual((properties["roleName"], properties["type"], properties["description"]), (title, "CustomRole", "ours"))
        self.assertEqual(properties["permissions"], [{
            "actions": ["Microsoft.ManagedIdentity/*"], "notActions": ["Microsoft.ManagedIdentity/*/delete"],
            "dataActions": ["Microsoft.KeyVault/vaults/keys/read"], "notDataActions": []}])
        self.assertEqual((properties["assignableScopes"], properties["createdBy"]), ([cloud.scope], cloud.me()))
        self.assertEqual([r["name"] for r in listed(cloud.group() + DEFINITIONS, f"roleName eq '{title}'")], [guid])
        self.assertIn(guid, [r["name"] for r in listed(cloud.scope + DEFINITIONS, "type eq 'CustomRole'")])
        self.assertNotIn(OWNER, [r["name"] for r in listed(cloud.scope + DEFINITIONS, "type eq 'CustomRole'")])

        granted = self.good(assign(cloud.group("a"), p.oid, guid))
        target = cloud.id(IDENTITY, "id-custom", "a")
        self.assertEqual(p.arm("PUT", target, {"location": "westeurope"}, IDENTITIES).status, 201)
        self.refuse(p.arm("DELETE", target, version=IDENTITIES), 403, "AuthorizationFailed")
        # A change counts at once.
        self.good(define(guid=guid, title=title, actions=["*/read"]))
        self.refuse(p.arm("PUT", target, {"location": "westeurope"}, IDENTITIES), 403, "AuthorizationFailed")
        self.assertEqual(p.arm("GET", target, version=IDENTITIES).status, 200)

        self.refuse(cloud.arm("DELETE", made["id"], ROLES), 400, "RoleDefinitionHasAssignments",
                    "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments)")
        self.refuse(define(guid=guid, title=title, scope=cloud.group("ab")), 400, "RoleDefinitionHasAssignments")
        self.good(cloud.arm("DELETE", granted["id"], ROLES), 200)
        self.assertEqual(self.good(cloud.arm("DELETE", made["id"], ROLES), 200)["name"], guid)
        self.assertEqual(cloud.arm("DELETE", made["id"], ROLES).status, 204)
        self.refuse(assign(cloud.group("a"), p.oid, guid), 400, "RoleDefinitionDoesNotExist")

    def test_a_custom_role_in_a_vault(self):
        p, guid, vault = Principal(), str(uuid.uuid4()), "https://vault.azure.net"
        cloud.make_vault("kv-custom")
        cloud.make_key("kv-custom")
        title = f"Key readers {uuid.uuid4()}"
        self.good(define(guid=guid, title=title, dataActions=["Microsoft.KeyVault/vaults/keys/read"]))
        self.good(assign(cloud.id("Microsoft.KeyVault/vaults", "kv-custom"), p.oid, guid))
        self.assertEqual(cloud.vault("GET", "kv-custom", "/keys/k", token=p.token(vault)).status, 200)
        body = {"alg": "RSA-OAEP-256", "value": "AAAA"}
        self.assertEqual(cloud.vault("POST", "kv-custom", "/keys/k/wrapkey", body, p.token(vault)).status, 403)
        self.good(define(guid=guid, title=title, dataActions=["Microsoft.KeyVault/vaults/keys/*"],
                         notDataActions=["Microsoft.KeyVault/vaults/keys/read"]))
        self.assertEqual(cloud.vault("GET", "kv-custom", "/keys/k", token=p.token(vault)).status, 403)
        self.assertEqual(cloud.vault("POST", "kv-custom", "/keys/k/wrapkey", body, p.token(vault)).status, 200)

    def test_where_a_custom_role_can_be_assigned(self):
        p = Principal()
        role = self.good(define(scope=cloud.group("a")))["name"]
        self.refuse(assign(cloud.group("ab"), p.oid, role), 400, "RoleAssignmentScopeNotAssignableToRoleDefinition")
        self.refuse(assign(cloud.scope, p.oid, role), 400, "RoleAssignmentScopeNotAssignableToRoleDefinition")
        self.good(assign(cloud.group("a"), p.oid, role))
        self.assertIn(role, [r["name"] for r in listed(cloud.group("a") + DEFINITIONS)])
        self.assertNotIn(role, [r["name"] for r in listed(cloud.group("ab") + DEFINITIONS)])
        self.assertNotIn(role, [r["name"] for r in listed(cloud.scope + DEFINITIONS)])
        self.assertIn(role, [r["name"] for r in listed(cloud.scope + DEFINITIONS, "atScopeAndBelow()")])
        self.assertIn(role, [r["name"] for r in listed(cloud.scope + DEFINITIONS, "atScopeAndBelow() and type eq 'CustomRole'")])
        self.assertEqual(cloud.arm("GET", f"{cloud.scope}{DEFINITIONS}/{role}", ROLES).status, 200)
        self.refuse(cloud.arm("GET", f"{cloud.group('ab')}{DEFINITIONS}/{role}", ROLES), 404, "RoleDefinitionDoesNotExist")

    def test_what_is_no_definition(self):
        self.refuse(define(guid="operators"), 400, "InvalidRoleDefinitionId")
        for pattern in ("Microsoft.Compute", "/read", "Microsoft.Compute/", "a b/read", "Microsoft.Compute//read",
                        "Microsoft.Compute/**", "x" * 300 + "/read", "", "Microsoft.X/y\u00e9/read"):
            self.refuse(define(actions=[pattern]), 400, "InvalidActionOrNotAction",
                        "does not match any of the actions supported by the providers.")
        for pattern in ("*", "*/read", "Microsoft.CostManagement/*/query/*", "Microsoft.KeyVault/*"):
            self.good(define(actions=[pattern]))
        self.refuse(define(actions="*"), 400, "BadRequestFormat")
        self.refuse(define(actions=[1]), 400, "BadRequestFormat")
        self.refuse(define(notActions=["*/write"]), 400, "InvalidRoleDefinition")
        self.refuse(define(actions=["*/read"], condition="true"), 400, "InvalidCondition")
        self.refuse(define(actions=[f"X.Y/t{i}/read" for i in range(2049)]), 400, "RoleDefinitionTooLarge")
        for scopes in ([], ["/"], ["/subscriptions/*"], [1], [cloud.id(IDENTITY, "i")], [cloud.scope] * 101,
                       [cloud.group("ab")], [cloud.scope + "/resources"]):
            self.refuse(define(scope=cloud.group("a"), scopes=scopes), 400, "InvalidAssignableScope")
        self.refuse(define(scopes=[cloud.scope, cloud.group("absent")]), 404, "ResourceGroupNotFound")
        self.refuse(define(scopes=[cloud.scope, "/subscriptions/" + ABSENT]), 404, "ResourceNotFound")
        self.refuse(define(scopes=[cloud.scope, "/subscriptions/" + new_tenant()[1]]), 404, "ResourceNotFound")
        path = f"{cloud.scope}{DEFINITIONS}/{uuid.uuid4()}"
        good = {"roleName": "x", "permissions": [{"actions": ["*/read"]}], "assignableScopes": [cloud.scope]}
        for change, code in (({"roleName": None}, "InvalidRoleDefinitionName"), ({"roleName": "x" * 513}, "InvalidRoleDefinitionName"),
                             ({"type": "BuiltInRole"}, "InvalidRoleDefinitionType"), ({"description": 1}, "BadRequestFormat"),
                             ({"description": "x" * 2049}, "BadRequestFormat"), ({"permissions": []}, "InvalidRoleDefinition"),
                             ({"permissions": good["permissions"] * 2}, "InvalidRoleDefinition"),
                             ({"assignableScopes": None}, "InvalidAssignableScope")):
            self.refuse(cloud.arm("PUT", path, ROLES, {"properties": {**good, **change}}), 400, code)
        self.refuse(cloud.arm("GET", cloud.scope + DEFINITIONS + "?$filter=atScope()", ROLES), 400, "UnsupportedQuery")
        self.refuse(cloud.arm("PATCH", path, ROLES, {}), 405, "MethodNotAllowed")

    def test_names_are_unique(self):
        title, guid = f"Name {uuid.uuid4()}", str(uuid.uuid4())
        self.good(define(guid=guid, title=title))
        for other in (title, title.upper(), "Owner"):
            self.refuse(define(title=other), 409, "RoleDefinitionWithSameNameExists",
                        "A custom role with the same name already exists in this directory.")
        self.good(define(guid=guid, title=title.upper()))

    def test_who_may_define(self):
        p = Principal()
        self.good(assign(cloud.group("a"), p.oid, ACCESS_ADMINISTRATOR))
        self.refuse(define(token=p.token()), 403, "AuthorizationFailed")
        self.refuse(define(scope=cloud.group("a"), scopes=[cloud.group("a"), cloud.group("ab")], token=p.token()), 403,
                    "LinkedAuthorizationFailed", "Microsoft.Authorization/roleDefinitions/write")
        role = self.good(define(scope=cloud.group("a"), token=p.token()))["name"]
        wide = self.good(define(scope=cloud.group("a"), scopes=[cloud.group("a"), cloud.group("ab")]))
        # It would change what the holders in "ab" may do.
        self.refuse(define(scope=cloud.group("a"), guid=wide["name"], token=p.token()), 403, "LinkedAuthorizationFailed")
        self.refuse(p.arm("DELETE", f"{cloud.group('a')}{DEFINITIONS}/{wide['name']}"), 403, "LinkedAuthorizationFailed")
        self.good(p.arm("DELETE", f"{cloud.group('a')}{DEFINITIONS}/{role}"), 200)

    def test_the_limit_of_a_tenant(self):
        count = 5000
        store(*(("INSERT INTO role_definitions (tenant_id, id, name, name_key, description, actions, not_actions, data_actions,"
                 " not_data_actions, scopes, created, created_by, updated, updated_by)"
                 " VALUES (?1,?2,?2,?2,'many','','','','','',0,'',0,'')", (cloud.tenant, str(uuid.uuid4()))) for _ in range(count)))
        self.refuse(define(), 400, "RoleDefinitionLimitExceeded")
        store(("DELETE FROM role_definitions WHERE description = 'many'", ()))
        self.good(define())


class Tenants(Case):
    def test_another_tenant_sees_and_gets_nothing(self):
        tenant, subscription = new_tenant()
        stranger, p = Principal(tenant), Principal()
        theirs = f"/subscriptions/{subscription}"
        guid, name = str(uuid.uuid4()), str(uuid.uuid4())
        store(("INSERT INTO role_assignments (tenant_id, id, display_id, name, scope, display_scope, principal_id, principal_type,"
               " role_id, created, created_by, updated, updated_by) VALUES (?1,?2,?2,?3,'/','/',?4,'ServicePrincipal',?5,0,'',0,'')",
               (tenant, f"{ASSIGNMENTS}/{name}".lower(), name, stranger.oid, OWNER)))
        self.assertTrue(stranger.sees(theirs))
        self.assertTrue(stranger.sees(""))
        # The owner of a tenant's root is nobody in another tenant.
        self.refuse(stranger.arm("GET", cloud.scope + ASSIGNMENTS), 401, "InvalidAuthenticationTokenTenant")
        self.refuse(stranger.arm("PUT", f"{cloud.scope}{DEFINITIONS}/{guid}", {}), 401, "InvalidAuthenticationTokenTenant")
        self.refuse(p.arm("GET", theirs + ASSIGNMENTS), 401, "InvalidAuthenticationTokenTenant")
        self.assertNotIn(name, [a["name"] for a in listed(cloud.scope + ASSIGNMENTS)])
        mine = {a["name"] for a in listed(theirs + ASSIGNMENTS, token=stranger.token())}
        self.assertEqual(mine, {name})
        self.assertEqual({a["name"] for a in listed(ASSIGNMENTS, token=stranger.token())}, {name})
        # Roles: the same GUID and name again, and none of the other's.
        title = f"Shared {uuid.uuid4()}"
        self.good(define(guid=guid, title=title))
        self.refuse(stranger.arm("GET", f"{theirs}{DEFINITIONS}/{guid}"), 404, "RoleDefinitionDoesNotExist")
        self.refuse(stranger.arm("GET", f"{DEFINITIONS}/{guid}"), 404, "RoleDefinitionDoesNotExist")
        self.refuse(assign(theirs, stranger.oid, guid, token=stranger.token()), 400, "RoleDefinitionDoesNotExist")
        self.refuse(define(scope=theirs, scopes=[theirs, cloud.scope], token=stranger.token()), 404, "ResourceNotFound")
        self.good(define(guid=guid, title=title, scope=theirs, token=stranger.token()))
        self.good(stranger.arm("DELETE", f"{theirs}{DEFINITIONS}/{guid}"), 200)
        self.assertEqual(cloud.arm("GET", f"{cloud.scope}{DEFINITIONS}/{guid}", ROLES).status, 200)
        # The root's assignments are the tenant's own: the same name is another's.
        self.refuse(p.arm("GET", f"{ASSIGNMENTS}/{name}"), 403, "AuthorizationFailed")
        self.refuse(assign("", p.oid, READER, token=stranger.token()), 400, "PrincipalNotFound")
        made = self.good(assign("", stranger.oid, READER, token=stranger.token()))
        self.assertEqual((made["id"], made["properties"]["scope"]), (f"{ASSIGNMENTS}/{made['name']}", "/"))
        self.assertEqual(made["properties"]["roleDefinitionId"], f"{DEFINITIONS}/{READER}")
        self.good(stranger.arm("DELETE", made["id"]), 200)


class Others(Case):
    def test_permissions_are_the_callers(self):
        p = Principal()
        path = AUTHORIZATION + "permissions"
        self.refuse(p.arm("GET", cloud.group("a") + path), 403, "AuthorizationFailed")
        self.good(assign(cloud.group("a"), new_group(p.oid), CONTRIBUTOR))
        custom = self.good(define(actions=["Microsoft.X/y/read"], dataActions=["Microsoft.X/y/open/action"]))["name"]
        self.good(assign(cloud.scope, p.oid, custom))
        found = self.good(p.arm("GET", cloud.group("a") + path), 200)["value"]
        self.assertEqual([r["actions"] for r in found], [["Microsoft.X/y/read"], ["*"]])
        self.assertEqual(found[0]["dataActions"], ["Microsoft.X/y/open/action"])
        self.assertIn("Microsoft.Authorization/*/Write", found[1]["notActions"])
        identity = cloud.make_identity("id-permissions") and cloud.id(IDENTITY, "id-permissions")
        self.assertEqual(self.good(cloud.arm("GET", identity + path, ROLES), 200)["value"][0]["actions"], ["*"])
        self.refuse(cloud.arm("GET", cloud.group("absent") + path, ROLES), 404, "ResourceGroupNotFound")
        self.refuse(cloud.arm("PUT", f"{cloud.group()}{path}/x", ROLES, {}), 405, "MethodNotAllowed")

    def test_there_is_nothing_denied_and_nobody_classic(self):
        deny, classic = AUTHORIZATION + "denyAssignments", AUTHORIZATION + "classicAdministrators"
        for scope in (cloud.scope, cloud.group()):
            self.assertEqual(listed(scope + deny), [])
        self.refuse(cloud.arm("GET", f"{cloud.group()}{deny}/{ABSENT}", ROLES), 404, "DenyAssignmentNotFound")
        self.refuse(cloud.arm("PUT", f"{cloud.group()}{deny}/{ABSENT}", ROLES, {}), 405, "MethodNotAllowed")
        self.assertEqual(listed(cloud.scope + classic, version="2015-07-01"), [])
        self.refuse(cloud.arm("GET", f"{cloud.scope}{classic}/x", "2015-06-01"), 405, "MethodNotAllowed")
        p = Principal()
        self.refuse(p.arm("GET", cloud.scope + deny), 403, "AuthorizationFailed")
        self.refuse(p.arm("GET", cloud.scope + classic, version="2015-07-01"), 403, "AuthorizationFailed")

    def test_provider_operations(self):
        path = AUTHORIZATION + "providerOperations"
        everything = {p["name"]: p for p in listed(path + "?$expand=resourceTypes")}
        self.assertLessEqual({"Microsoft.Authorization", "Microsoft.Compute", "Microsoft.KeyVault", "Microsoft.Resources"},
                             set(everything))
        one = self.good(Principal().arm("GET", path + "/microsoft.keyvault"), 200)
        self.assertEqual(one, everything["Microsoft.KeyVault"])
        keys = next(t for t in one["resourceTypes"] if t["name"] == "vaults/keys")
        wrap = next(o for o in keys["operations"] if o["name"].endswith("keys/wrap/action"))
        self.assertTrue(wrap["isDataAction"])
        names = [o["name"] for p in everything.values() for t in [*p["resourceTypes"], p] for o in t["operations"]]
        for name in ("Microsoft.Compute/virtualMachines/start/action", "Microsoft.Compute/disks/write",
                     "Microsoft.Authorization/locks/delete", "Microsoft.Resources/subscriptions/resourceGroups/write"):
            self.assertEqual(names.count(name), 1, name)
        self.refuse(cloud.arm("GET", path + "/Microsoft.Absent", ROLES), 404, "ProviderNotFound")
        self.refuse(cloud.arm("POST", path, ROLES, {}), 405, "MethodNotAllowed")

    def test_a_global_administrator_takes_access(self):
        path, version = AUTHORIZATION + "elevateAccess", "2015-07-01"
        tenant, subscription = new_tenant()
        admin, reader = Principal(tenant), Principal(tenant)
        for p, role in ((admin, "62e90394-69f5-4237-9190-012177145e10"), (reader, "f2ef992c-3afb-46b9-b7cf-a126ee74c451")):
            store(("INSERT INTO directory_role_assignments (id, tenant_id, principal_id, role_id, created) VALUES (?,?,?,?,0)",
                   (str(uuid.uuid4()), tenant, p.oid, role)))
        theirs = f"/subscriptions/{subscription}"
        self.refuse(reader.arm("POST", path, {}, version), 403, "AuthorizationFailed",
                    "Microsoft.Authorization/elevateAccess/action")
        self.refuse(Principal().arm("POST", path, {}, version), 403, "AuthorizationFailed")
        self.assertFalse(admin.sees(theirs))
        for _ in range(2):
            self.assertEqual(admin.arm("POST", path, {}, version).status, 200)
        mine = listed(ASSIGNMENTS, f"principalId eq '{admin.oid}'", token=admin.token())
        self.assertEqual([(a["properties"]["scope"], a["properties"]["roleDefinitionId"][-36:]) for a in mine],
                         [("/", ACCESS_ADMINISTRATOR)])
        self.good(assign(theirs, admin.oid, OWNER, token=admin.token()))
        self.refuse(admin.arm("GET", cloud.scope + ASSIGNMENTS), 401, "InvalidAuthenticationTokenTenant")
        self.good(admin.arm("DELETE", mine[0]["id"]), 200)
        self.refuse(cloud.arm("GET", path, version), 405, "MethodNotAllowed")


class Locks(Case):
    def lock(self, scope, level="CanNotDelete", name="keep", token=None, **properties):
        return cloud.arm("PUT", f"{scope}{LOCKS}/{name}", LOCK_VERSION, {"properties": {"level": level, **properties}}, token)

    def unlock(self, scope, name="keep"):
        answer = cloud.arm("DELETE", f"{scope}{LOCKS}/{name}", LOCK_VERSION)
        self.assertEqual(answer.status, 200, answer)

    def identity(self, name, method="PUT"):
        return cloud.arm(method, cloud.id(IDENTITY, name, "locked"), IDENTITIES,
                         {"location": "westeurope"} if method == "PUT" else None)

    def test_the_life_of_a_lock(self):
        group = cloud.group("locked")
        made = self.good(self.lock(group, notes="production", owners=[{"applicationId": "me"}]))
        self.assertEqual((made["id"], made["name"], made["type"]),
                         (f"{group}{LOCKS}/keep", "keep", "Microsoft.Authorization/locks"))
        self.assertEqual(made["properties"], {"level": "CanNotDelete", "notes": "production",
                                              "owners": [{"applicationId": "me"}]})
        self.assertEqual(self.good(self.lock(group, "readonly"), 200)["properties"], {"level": "ReadOnly"})
        self.assertEqual(cloud.arm("GET", made["id"], "2016-09-01").json["properties"]["level"], "ReadOnly")
        self.unlock(group)
        self.assertEqual(cloud.arm("DELETE", made["id"], LOCK_VERSION).status, 204)
        self.refuse(cloud.arm("GET", made["id"], LOCK_VERSION), 404, "LockNotFound")

    def test_a_deletion_is_refused(self):
        self.identity("id-kept")
        target = cloud.id(IDENTITY, "id-kept", "locked")
        for scope in (target, cloud.group("locked"), cloud.scope):
            self.good(self.lock(scope))
            self.refuse(self.identity("id-kept", "DELETE"), 409, "ScopeLocked",
                        f"The scope '{target}' cannot perform delete operation because following scope(s) are locked: '{scope}'. "
                        "Please remove the lock and try again.")
            self.refuse(cloud.arm("DELETE", cloud.group("locked"), GROUPS), 409, "ScopeLocked", f"'{scope}'")
            self.assertIn(self.identity("id-kept").status, (200, 201))
            self.unlock(scope)
        # A role that is taken away is a deletion too, at the locked scope and below it.
        made = self.good(assign(target, Principal().oid, READER))
        above = self.good(assign(cloud.scope, Principal().oid, READER))
        self.good(self.lock(cloud.group("locked")))
        self.refuse(cloud.arm("DELETE", made["id"], ROLES), 409, "ScopeLocked")
        self.good(cloud.arm("DELETE", above["id"], ROLES), 200)
        self.unlock(cloud.group("locked"))
        self.good(cloud.arm("DELETE", made["id"], ROLES), 200)
        self.assertEqual(self.identity("id-kept", "DELETE").status, 200)

    def test_a_read_only_scope(self):
        self.identity("id-still")
        group = cloud.group("locked")
        self.good(self.lock(group, "ReadOnly"))
        words = "cannot perform write operation because following scope(s) are locked"
        self.refuse(self.identity("id-still"), 409, "ScopeLocked", words)
        self.refuse(self.identity("id-new"), 409, "ScopeLocked", words)
        self.refuse(self.identity("id-still", "DELETE"), 409, "ScopeLocked")
        self.refuse(cloud.arm("PATCH", group, GROUPS, {"tags": {"a": "b"}}), 409, "ScopeLocked", words)
        self.refuse(assign(group, Principal().oid, READER), 409, "ScopeLocked", words)
        self.assertEqual(self.identity("id-still", "GET").status, 200)
        self.assertIn(cloud.arm("PUT", cloud.id(IDENTITY, "id-free"), IDENTITIES, {"location": "westeurope"}).status, (200, 201))
        # Another lock can be put on it, and all of them can be taken away.
        self.good(self.lock(cloud.id(IDENTITY, "id-still", "locked")))
        self.unlock(cloud.id(IDENTITY, "id-still", "locked"))
        self.unlock(group)
        self.assertEqual(self.identity("id-still", "DELETE").status, 200)

    def test_a_data_plane_is_not_locked(self):
        cloud.make_vault("kv-locked")
        vault = cloud.id("Microsoft.KeyVault/vaults", "kv-locked")
        self.good(self.lock(vault, "ReadOnly"))
        cloud.make_key("kv-locked")
        self.assertEqual(cloud.vault("DELETE", "kv-locked", "/keys/k").status, 200)
        self.unlock(vault)

    def test_what_has_ways_of_its_own_is_locked_too(self):
        cloud.make_vault("kv-ways", enableRbacAuthorization=False, accessPolicies=[])
        vault = cloud.id("Microsoft.KeyVault/vaults", "kv-ways")
        entry = {"tenantId": cloud.tenant, "objectId": cloud.me(), "permissions": {"keys": ["get"]}}
        calls = (("PUT", vault + "/accessPolicies/add", "2023-07-01", {"properties": {"accessPolicies": [entry]}}),
                 ("PUT", vault + "/providers/Microsoft.Resources/tags/default", "2021-04-01", {"properties": {"tags": {"a": "b"}}}),
                 ("PUT", f"{vault}{ASSIGNMENTS}/{uuid.uuid4()}", ROLES,
                  {"properties": {"principalId": cloud.me(), "roleDefinitionId": f"{cloud.scope}{DEFINITIONS}/{READER}"}}),
                 ("PATCH", vault, "2023-07-01", {"tags": {"a": "b"}}))
        self.good(self.lock(vault, "ReadOnly"))
        for method, path, version, body in calls:
            self.refuse(cloud.arm(method, path, version, body), 409, "ScopeLocked", f"'{vault}'")
        self.unlock(vault)
        for method, path, version, body in calls:
            self.assertIn(cloud.arm(method, path, version, body).status, (200, 201), path)
        self.good(self.lock(cloud.scope, "ReadOnly"))
        self.refuse(define(), 409, "ScopeLocked")
        self.unlock(cloud.scope)

    def test_a_sibling_is_not_locked(self):
        cloud.make_group("locked2")
        self.good(self.lock(cloud.group("locked"), "ReadOnly"))
        self.assertEqual(cloud.arm("PATCH", cloud.group("locked2"), GROUPS, {"tags": {"a": "b"}}).status, 200)
        self.unlock(cloud.group("locked"))

    def test_lists(self):
        self.identity("id-many")
        target, group = cloud.id(IDENTITY, "id-many", "locked"), cloud.group("locked")
        for scope in (cloud.scope, group, target):
            self.good(self.lock(scope))

        def scopes(scope, filter_=None):
            found = listed(scope + LOCKS, filter_, version=LOCK_VERSION)
            return {lock["id"][:-len(f"{LOCKS}/keep")] for lock in found}

        self.assertEqual(scopes(cloud.scope), {cloud.scope, group, target})
        self.assertEqual(scopes(group), {cloud.scope, group, target})
        self.assertEqual(scopes(target), {cloud.scope, group, target})
        self.assertEqual(scopes(cloud.group("a")), {cloud.scope})
        self.assertEqual(scopes(group, "atScope()"), {cloud.scope, group})
        for scope in (cloud.scope, group, target):
            self.unlock(scope)

    def test_what_is_no_lock(self):
        group = cloud.group("locked")
        for level in ("NotSpecified", "Delete", None, 1):
            self.refuse(self.lock(group, level), 400, "InvalidLockDefinition", "level")
        self.refuse(self.lock(group, notes="x" * 513), 400, "InvalidLockDefinition", "notes")
        self.refuse(self.lock(group, owners=[{}]), 400, "InvalidLockDefinition", "owner")
        self.refuse(self.lock(group, owners="me"), 400, "InvalidLockDefinition", "owner")
        self.refuse(self.lock(group, name="a:b"), 400, "InvalidLockDefinition", "name")
        self.refuse(self.lock(cloud.group("absent")), 404, "ResourceGroupNotFound")
        self.refuse(self.lock(cloud.id(IDENTITY, "absent")), 404, "ResourceNotFound")
        self.refuse(self.lock(""), 404, "ResourceNotFound")
        self.refuse(cloud.arm("PATCH", f"{group}{LOCKS}/keep", LOCK_VERSION, {}), 405, "MethodNotAllowed")
        for i in range(20):
            self.good(self.lock(group, name=f"many{i}"))
        self.refuse(self.lock(group, name="many20"), 409, "LockLimitExceeded")
        for i in range(20):
            self.unlock(group, f"many{i}")

    def test_who_may_lock(self):
        p = Principal()
        group = cloud.group("locked")
        self.refuse(self.lock(group, token=p.token()), 403, "AuthorizationFailed")
        self.good(assign(group, p.oid, CONTRIBUTOR))
        self.refuse(self.lock(group, token=p.token()), 403, "AuthorizationFailed", "Microsoft.Authorization/locks/write")
        self.assertEqual(listed(group + LOCKS, token=p.token(), version=LOCK_VERSION), [])
        self.good(assign(group, p.oid, ACCESS_ADMINISTRATOR))
        self.good(self.lock(group, token=p.token()))
        # Who may not delete learns nothing of locks.
        self.refuse(Principal().arm("DELETE", group, version=GROUPS), 403, "AuthorizationFailed")
        self.unlock(group)


if __name__ == "__main__":
    unittest.main()
