#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Deployments of templates: carried out, watched, tried out, cancelled, resumed after a crash; and what is refused."""

import glob
import json
import os
import signal
import time
import unittest
import urllib.parse
import uuid

from harness import ENCRYPTION_USER, GROUPS, IDENTITIES, OWNER, READER, ROLES, VAULTS, Case, Instance

DEPLOYMENTS = "2024-11-01"
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
SUBSCRIPTION_SCHEMA = "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
NESTED = "Microsoft.Resources/deployments"


def setUpModule():
    global cloud
    cloud = Instance()
    cloud.up()
    cloud.make_group()


def tearDownModule():
    cloud.down()
    cloud.__exit__()


def template(resources=(), **parts):
    return {"$schema": parts.pop("schema", SCHEMA), "contentVersion": "1.0.0.0", **parts, "resources": resources if isinstance(resources, dict) else list(resources)}


def identity(name, **parts):
    return {"type": IDENTITY, "apiVersion": IDENTITIES, "name": name, "location": "westeurope", **parts}


def vault(name, **properties):
    return {"type": "Microsoft.KeyVault/vaults", "apiVersion": VAULTS, "name": name, "location": "westeurope", "properties": {
        "tenantId": "[subscription().tenantId]", "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": True, **properties}}


def nested(name, inner, scope="inner", **parts):
    parameters = parts.pop("parameters", None)
    properties = {"mode": "Incremental", "template": inner, "expressionEvaluationOptions": {"scope": scope}}
    if parameters:
        properties["parameters"] = parameters
    return {"type": NESTED, "apiVersion": "2022-09-01", "name": name, "properties": properties, **parts}


def path(name, group="rg", tail=""):
    scope = cloud.group(group) if group else cloud.scope
    return f"{scope}/providers/Microsoft.Resources/deployments/{name}{tail}"


def body(content, mode="Incremental", location=None, parameters=None, **more):
    asked = {"properties": {"mode": mode, "template": content, **more}}
    if parameters is not None:
        asked["properties"]["parameters"] = {k: v if isinstance(v, dict) and ("reference" in v) else {"value": v} for k, v in parameters.items()}
    if location:
        asked["location"] = location
    return asked


def put(name, content, group="rg", token=None, **options):
    return cloud.arm("PUT", path(name, group), DEPLOYMENTS, body(content, **options), token)


def get(name, group="rg", token=None):
    return cloud.arm("GET", path(name, group), DEPLOYMENTS, None, token)


def deploy(name, content, group="rg", **options):
    """The deployment once it has ended."""
    accepted = put(name, content, group, **options)
    assert accepted.status in (200, 201), accepted
    assert accepted.json["properties"]["provisioningState"] == "Accepted", accepted
    state = cloud.wait(accepted)
    shown = get(name, group)
    assert shown.status == 200, shown
    shown.operation = state
    return shown


def succeeds(name, content, group="rg", **options):
    shown = deploy(name, content, group, **options)
    assert shown.json["properties"]["provisioningState"] == "Succeeded", shown
    assert shown.operation["status"] == "Succeeded", shown.operation
    return shown.json["properties"]


def fails(name, content, group="rg", **options):
    shown = deploy(name, content, group, **options)
    assert shown.json["properties"]["provisioningState"] == "Failed", shown
    assert shown.operation["status"] == "Failed", shown.operation
    return shown.json["properties"]


def operations(name, group="rg"):
    answer = cloud.arm("GET", path(name, group, "/operations"), DEPLOYMENTS)
    assert answer.status == 200, answer
    return answer.json["value"]


def what_if(name, content, group="rg", token=None, **options):
    return cloud.arm("POST", path(name, group, "/whatIf"), DEPLOYMENTS, body(content, **options), token)


def changes(name, content, group="rg", **options):
    answer = what_if(name, content, group, **options)
    assert answer.status == 200 and answer.json["status"] == "Succeeded", answer
    return {c["resourceId"].split("/")[-1]: c for c in answer.json["properties"]["changes"]}


def stored():
    """All that the store holds, but for what tells of requests."""
    with cloud.store() as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {t: sorted(map(repr, db.execute(f"SELECT * FROM {t}"))) for t in tables if t not in ("activity_log", "audit")}


def raw_bytes():
    found = b""
    for name in glob.glob(os.path.join(cloud.dir, "store", "*")):
        with open(name, "rb") as f:
            found += f.read()
    return found


class Deploying(Case):
    def test_resources_outputs_and_operations(self):
        content = template([
            identity("[parameters('name')]", tags={"of": "[concat('a', variables('b'))]"}),
            {"type": "Microsoft.Authorization/roleAssignments", "apiVersion": ROLES, "name": "[guid(resourceGroup().id, parameters('name'))]",
             "dependsOn": [f"[resourceId('{IDENTITY}', parameters('name'))]"],
             "properties": {"principalId": f"[reference(resourceId('{IDENTITY}', parameters('name')), '{IDENTITIES}').principalId]",
                            "principalType": "ServicePrincipal",
                            "roleDefinitionId": f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{READER}')]"}},
        ], parameters={"name": {"type": "string"}, "size": {"type": "int", "defaultValue": 3}}, variables={"b": "b"},
            outputs={"id": {"type": "string", "value": f"[resourceId('{IDENTITY}', parameters('name'))]"},
                     "principal": {"type": "string", "value": f"[reference(parameters('name')).principalId]"},
                     "size": {"type": "int", "value": "[mul(parameters('size'), 2)]"}})
        accepted = put("first", content, parameters={"name": "id-first"})
        self.assertEqual(accepted.status, 201, accepted)
        self.assertIn("Azure-AsyncOperation", accepted.headers)
        self.assertEqual(cloud.wait(accepted)["status"], "Succeeded")
        shown = get("first").json
        self.assertEqual((shown["name"], shown["type"], shown["id"]), ("first", NESTED, path("first")))
        p = shown["properties"]
        self.assertEqual(p["provisioningState"], "Succeeded")
        self.assertNotIn("template", p)
        self.assertEqual(p["mode"], "Incremental")
        made = cloud.arm("GET", cloud.id(IDENTITY, "id-first"), IDENTITIES).json
        self.assertEqual(made["tags"], {"of": "ab"})
        self.assertEqual({k: (v["type"].lower(), v["value"]) for k, v in p["outputs"].items()}, {
            "id": ("string", made["id"]), "principal": ("string", made["properties"]["principalId"]), "size": ("int", 6)})
        self.assertEqual({k: v["value"] for k, v in p["parameters"].items()}, {"name": "id-first", "size": 3})
        self.assertEqual(len(p["outputResources"]), 2)
        self.assertRegex(p["duration"], r"^PT")
        self.assertTrue(p["templateHash"].isdigit())
        self.assertEqual({x["namespace"] for x in p["providers"]}, {"Microsoft.ManagedIdentity", "Microsoft.Authorization"})
        self.assertEqual([d["dependsOn"][0]["resourceName"] for d in p["dependencies"]], ["id-first"])
        uuid.UUID(p["correlationId"])

        done = operations("first")
        self.assertEqual(sorted(o["properties"]["provisioningOperation"] for o in done), ["Create", "Create", "EvaluateDeploymentOutput"])
        for o in done:
            self.assertEqual(o["properties"]["provisioningState"], "Succeeded", o)
            self.assertTrue(o["id"].endswith(f"/deployments/first/operations/{o['operationId']}"))
            one = cloud.arm("GET", path("first", tail="/operations/" + o["operationId"]), DEPLOYMENTS)
            self.assertEqual(one.json, o)
        create = [o["properties"] for o in done if o["properties"].get("targetResource", {}).get("resourceType") == IDENTITY][0]
        self.assertEqual(create["statusCode"], "Created")
        self.assertEqual(create["targetResource"], {"id": made["id"], "resourceType": IDENTITY, "resourceName": "id-first"})
        # As the SDKs ask: without the namespace.
        short = cloud.arm("GET", f"{cloud.group()}/deployments/first/operations", DEPLOYMENTS)
        self.assertEqual(short.json, {"value": done})
        self.refuse(cloud.arm("GET", path("first", tail="/operations/ABCDEF0123456789"), DEPLOYMENTS), 404, "DeploymentOperationNotFound")

        # Again, which changes nothing, as another run of the same name.
        again = put("first", content, parameters={"name": "id-first"})
        self.assertEqual(again.status, 200, again)
        self.assertEqual(cloud.wait(again)["status"], "Succeeded")
        self.assertEqual([o["properties"]["statusCode"] for o in operations("first")][0], "OK")

    def test_json_with_comments_as_az_sends_it(self):
        text = ('{"properties": {"mode": "Incremental", "parameters": {}, template:{\r\n // the schema\n "$schema": "' + SCHEMA + '",'
                '"contentVersion": "1.0.0.0", /* nothing\n yet */ "resources": [], "outputs": {"o": {"type": "string", "value": "[concat(\'a\',\r\n \'b\')]"}}}}}')
        answer = cloud.arm("PUT", path("commented"), DEPLOYMENTS, text.encode())
        self.assertEqual(answer.status, 201, answer)
        cloud.wait(answer)
        self.assertEqual(get("commented").json["properties"]["outputs"]["o"]["value"], "ab")

    def test_a_template_as_text(self):
        succeeds("text", json.dumps(template([identity("id-text")])))
        self.assertEqual(cloud.arm("GET", cloud.id(IDENTITY, "id-text"), IDENTITIES).status, 200)

    def test_symbolic_names_loops_and_conditions(self):
        content = template({
            "ids": {"copy": {"name": "ids", "count": 3}, **identity("[format('id-sym-{0}', copyIndex())]")},
            "none": {"condition": False, **identity("id-sym-none")},
            "there": {"existing": True, "type": IDENTITY, "apiVersion": IDENTITIES, "name": "id-sym-absent", "dependsOn": ["ids"]},
        }, languageVersion="2.0", outputs={
            "all": {"type": "array", "copy": {"count": 3, "input": "[reference(format('ids[{0}]', copyIndex())).principalId]"}}})
        p = succeeds("symbolic", content)
        self.assertEqual(len(set(p["outputs"]["all"]["value"])), 3)
        self.assertEqual([o for o in operations("symbolic") if o["properties"]["provisioningOperation"] == "Read"], [])
        read = template({"there": {"existing": True, "type": IDENTITY, "apiVersion": IDENTITIES, "name": "id-sym-0"}}, languageVersion="2.0",
                        outputs={"p": {"type": "string", "value": "[reference('there').principalId]"}})
        self.assertEqual(succeeds("reads", read)["outputs"]["p"]["value"], p["outputs"]["all"]["value"][0])
        self.assertEqual([o["properties"]["targetResource"]["resourceName"] for o in operations("reads")
                          if o["properties"]["provisioningOperation"] == "Read"], ["id-sym-0"])
        self.assertEqual(len(p["outputResources"]), 3)
        self.refuse(cloud.arm("GET", cloud.id(IDENTITY, "id-sym-none"), IDENTITIES), 404, "ResourceNotFound")

    def test_a_failure_stops_what_is_built_on_it_alone(self):
        bad = vault("kv-bad", sku={"family": "A", "name": "gold"})
        content = template([bad, identity("id-after", dependsOn=["kv-bad"]), identity("id-aside")])
        p = fails("half", content)
        error = p["error"]
        self.assertEqual((error["code"], error["target"]), ("DeploymentFailed", path("half")))
        self.assertIn("https://aka.ms/arm-deployment-operations", error["message"])
        self.assertEqual(len(error["details"]), 1)
        self.assertEqual(error["details"][0]["target"], cloud.id("Microsoft.KeyVault/vaults", "kv-bad"))
        states = {o["properties"]["targetResource"]["resourceName"]: o["properties"] for o in operations("half")}
        self.assertEqual({k: v["provisioningState"] for k, v in states.items()}, {"kv-bad": "Failed", "id-aside": "Succeeded"})
        self.assertEqual(states["kv-bad"]["statusCode"], "BadRequest")
        self.assertEqual(states["kv-bad"]["statusMessage"]["error"]["code"], error["details"][0]["code"])
        self.assertEqual([r["id"] for r in p["outputResources"]], [cloud.id(IDENTITY, "id-aside")])
        self.assertEqual(cloud.arm("GET", cloud.id(IDENTITY, "id-after"), IDENTITIES).status, 404)

    def test_the_error_reaches_who_waits(self):
        shown = deploy("told", template([vault("kv-bad", sku={"family": "A", "name": "gold"})]))
        error = shown.operation["error"]
        self.assertEqual(error["code"], "DeploymentFailed")
        self.assertEqual(error["details"][0]["code"], shown.json["properties"]["error"]["details"][0]["code"])

    def test_outputs_that_cannot_be_told(self):
        p = fails("no-outputs", template(outputs={"o": {"type": "object", "value": f"[reference(resourceId('{IDENTITY}', 'id-nowhere'), '{IDENTITIES}')]"}}))
        self.assertEqual(p["error"]["code"], "DeploymentOutputEvaluationFailed")
        self.assertEqual(p["error"]["details"][0]["code"], "ResourceNotFound")
        self.assertEqual(operations("no-outputs")[0]["properties"]["provisioningState"], "Failed")

    def test_rights_are_the_callers_at_each_step(self):
        token, principal = stranger()
        cloud.make_group("rg-rights")
        self.refuse(put("mine", template(), "rg-rights", token=token), 403, "AuthorizationFailed", "Microsoft.Resources/deployments/write")
        for tail, action in (("/validate", "validate/action"), ("/whatIf", "whatIf/action"), ("/cancel", "cancel/action"),
                             ("/exportTemplate", "exportTemplate/action")):
            self.refuse(cloud.arm("POST", path("mine", "rg-rights", tail), DEPLOYMENTS, body(template()), token), 403, "AuthorizationFailed", action)
        for method, where in (("GET", path("mine", "rg-rights")), ("HEAD", path("mine", "rg-rights")), ("DELETE", path("mine", "rg-rights")),
                              ("GET", path("mine", "rg-rights", "/operations")), ("GET", path("", "rg-rights").rstrip("/"))):
            self.assertEqual(cloud.arm(method, where, DEPLOYMENTS, None, token).status, 403, (method, where))
        # A contributor may not give roles, be it by a template.
        cloud.assign(cloud.group("rg-rights"), principal, "b24988ac-6180-42a0-ab88-20f7382dd24c")
        content = template([identity("id-rights"), {
            "type": "Microsoft.Authorization/roleAssignments", "apiVersion": ROLES, "name": str(uuid.uuid4()),
            "properties": {"principalId": principal, "principalType": "ServicePrincipal",
                           "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{OWNER}"}}])
        accepted = put("mine", content, "rg-rights", token=token)
        self.assertEqual(accepted.status, 201, accepted)
        cloud.wait(accepted)
        p = get("mine", "rg-rights").json["properties"]
        self.assertEqual(p["error"]["details"][0]["code"], "AuthorizationFailed", p)
        self.assertEqual(len(p["outputResources"]), 1)

    def test_secure_parameters_are_never_in_clear(self):
        secret = "s3cret-" + uuid.uuid4().hex
        inner = template([identity("id-secure")], outputs={"hidden": {"type": "securestring", "value": "[parameters('secret')]"}},
                         parameters={"secret": {"type": "securestring"}})
        outer = template([identity("id-secure-outer", tags={"length": "[string(length(parameters('secret')))]"})])
        content = template([nested("secure-inner", inner, parameters={"secret": {"value": "[parameters('secret')]"}}),
                            nested("secure-outer", outer, scope="outer")],
                           parameters={"secret": {"type": "securestring"}, "object": {"type": "secureObject"}},
                           outputs={"secret": {"type": "securestring", "value": "[parameters('secret')]"}})
        p = succeeds("secure", content, parameters={"secret": secret, "object": {"in": secret}})
        for shown in (p, get("secure-inner").json, get("secure-outer").json):
            self.assertNotIn(secret, str(shown))
        self.assertNotIn("value", p["parameters"]["secret"])
        self.assertNotIn("value", p["outputs"]["secret"])
        self.assertNotIn(secret.encode(), raw_bytes())
        self.assertEqual(cloud.sql("SELECT COUNT(*) FROM deployment_sealed WHERE part = 'parameters'"), [(0,)])

    def test_errors_do_not_tell_secrets(self):
        secret = "s3cret-" + uuid.uuid4().hex
        declared = {"secret": {"type": "securestring"}, "object": {"type": "secureObject"}}
        given = {"secret": secret, "object": {"in": secret}}
        told = ("[createArray(1)[parameters('secret')]]", "[dateTimeAdd(parameters('secret'), 'P1D')]", "[parameters('object').in.x]",
                "[cidrSubnet(parameters('object').in, 1, 2)]")
        for i, expression in enumerate(told):
            for where in (template([identity("id-told", tags={"a": expression})], parameters=declared),
                          template(parameters=declared, outputs={"o": {"type": "string", "value": expression}})):
                p = fails(f"told{i}", where, parameters=given)
                self.assertNotIn(secret, str(p))
                self.assertNotIn(secret, str(operations(f"told{i}")))
                self.assertNotIn(secret, what_if("x", where, parameters=given).text)
                self.assertNotIn(secret, cloud.arm("POST", path("x", tail="/validate"), DEPLOYMENTS, body(where, parameters=given)).text)
        self.assertNotIn(secret.encode(), raw_bytes())
        # A provider quotes what it was sent, and a template that another one wrote has it in its text.
        outer = template([nested("quoted-in", template([identity("id-quoted", location="[parameters('secret')]")]), scope="outer")],
                         parameters=declared)
        p = fails("quoted", outer, parameters=given)
        for text in (str(p), get("quoted-in").text, str(operations("quoted-in"))):
            self.assertNotIn(secret, text)
        self.assertIn("***", get("quoted-in").text)

    def test_a_secret_of_a_vault_as_parameter(self):
        value = "from-the-vault-" + uuid.uuid4().hex
        cloud.make_vault("kv-param")
        cloud.assign(cloud.id("Microsoft.KeyVault/vaults", "kv-param"), cloud.me(), "b86a8fe4-44ce-4948-aee5-eccb2c155cd7")
        self.assertEqual(cloud.vault("PUT", "kv-param", "/secrets/s", {"value": value}).status, 200)
        content = template([identity("id-param", tags={"n": "[string(length(parameters('s')))]"})], parameters={"s": {"type": "securestring"}})
        reference = {"reference": {"keyVault": {"id": cloud.id("Microsoft.KeyVault/vaults", "kv-param")}, "secretName": "s"}}
        self.refuse(put("vaulted", content, parameters={"s": reference}), 403, "KeyVaultParameterReferenceSecretRetrieveFailed")
        cloud.arm("PATCH", cloud.id("Microsoft.KeyVault/vaults", "kv-param"), VAULTS, {"properties": {"enabledForTemplateDeployment": True}})
        p = succeeds("vaulted", content, parameters={"s": reference})
        self.assertNotIn(value, str(p))
        self.assertEqual(cloud.arm("GET", cloud.id(IDENTITY, "id-param"), IDENTITIES).json["tags"], {"n": str(len(value))})
        self.assertNotIn(value.encode(), raw_bytes())
        reads = cloud.sql("SELECT record FROM audit WHERE vault = 'kv-param' AND operation = 'SecretGet'")
        self.assertTrue(any(cloud.me() in r[0] for r in reads), reads)
        missing = {"reference": {"keyVault": {"id": cloud.id("Microsoft.KeyVault/vaults", "kv-param")}, "secretName": "absent"}}
        self.refuse(put("vaulted", content, parameters={"s": missing}), 404, "KeyVaultParameterReferenceSecretRetrieveFailed")


def server_pid():
    """Of the server, once it runs."""
    for _ in range(100):
        try:
            return cloud.pid("server")
        except (KeyError, AssertionError):
            time.sleep(0.1)
    raise AssertionError(cloud.logs())


def stranger():
    """A principal without any role here, the host agent's: its token and its object id."""
    with open(os.path.join(cloud.dir, "host.json")) as f:
        host = json.load(f)
    answer = cloud.token_answer("https://management.azure.com", client=host["clientId"], secret=host["clientSecret"])
    token = answer.json["access_token"]
    return token, cloud.claims(token)["oid"]


class Requests(Case):
    def test_what_is_no_deployment(self):
        good = template()
        for asked, status, code, words in (
                ({}, 400, "InvalidRequestContent", "properties"),
                ({"properties": []}, 400, "InvalidRequestContent", "properties"),
                ({"properties": {"template": good}}, 400, "InvalidRequestContent", "mode"),
                ({"properties": {"mode": "Sideways", "template": good}}, 400, "InvalidRequestContent", "mode"),
                ({"properties": {"mode": "Incremental"}}, 400, "InvalidTemplate", "no template"),
                ({"properties": {"mode": "Incremental", "template": [1]}}, 400, "InvalidRequestContent", "template"),
                ({"properties": {"mode": "Incremental", "template": "{"}}, 400, "InvalidRequestContent", ""),
                ({"properties": {"mode": "Incremental", "template": good, "parameters": 1}}, 400, "InvalidRequestContent", "parameters"),
                ({"properties": {"mode": "Incremental", "template": {"a": 1}}}, 400, "InvalidRequestContent", "'a'"),
                ({"properties": {"mode": "Incremental", "template": template([identity("[nothing()]")])}}, 400, "InvalidTemplate", "nothing"),
                ({"properties": {"mode": "Incremental", "templateLink": {"uri": "https://x/t.json"}}}, 400, "InvalidContentLink", "templateLink"),
                ({"properties": {"mode": "Incremental", "template": good, "parametersLink": {"uri": "https://x"}}}, 400, "InvalidContentLink", ""),
                ({"properties": {"mode": "Incremental", "template": good, "onErrorDeployment": {"type": "LastSuccessful"}}}, 400,
                 "OnErrorDeploymentNotSupported", ""),
                ({"location": "westeurope", "properties": {"mode": "Incremental", "template": good}}, 400, "InvalidDeployment", "location")):
            self.refuse(cloud.arm("PUT", path("bad"), DEPLOYMENTS, asked), status, code, words)
        self.refuse(cloud.arm("PUT", path("bad"), DEPLOYMENTS, b"{ nothing"), 400, "InvalidRequestContent")
        self.refuse(get("bad"), 404, "DeploymentNotFound", "'bad'")

    def test_names(self):
        self.refuse(put("x" * 65, template()), 400, "DeploymentNameLengthLimitExceeded")
        self.refuse(put(urllib.parse.quote("a b"), template()), 400, "DeploymentNameInvalidCharacters")
        succeeds("(a-b_c.9)", template())

    def test_places(self):
        self.refuse(put("nowhere", template(), "rg-absent"), 404, "ResourceGroupNotFound")
        self.refuse(get("nowhere", "rg-absent"), 404, "ResourceGroupNotFound")
        answer = cloud.arm("PUT", "/providers/Microsoft.Resources/deployments/x", DEPLOYMENTS, body(template(), location="westeurope"))
        self.assertIn(answer.status, (400, 404), answer)
        self.refuse(cloud.arm("PATCH", path("x"), DEPLOYMENTS, {}), 405, "MethodNotAllowed")
        self.refuse(cloud.arm("POST", path("x", tail="/dance"), DEPLOYMENTS, {}), 404, "InvalidResourceType")

    def test_parameters_that_do_not_fit(self):
        content = template(parameters={"n": {"type": "int"}})
        for parameters in ({}, {"n": "text"}, {"n": 1, "more": 2}):
            answer = put("misfit", content, parameters=parameters)
            self.assertEqual(answer.status, 400, answer)
            self.assertEqual(get("misfit").status, 404)

    def test_list_head_delete_and_export(self):
        cloud.make_group("rg-history")
        content = template(outputs={"o": {"type": "string", "value": "[deployment().name]"}})
        for i in range(5):
            self.assertEqual(succeeds(f"h{i}", content, "rg-history")["outputs"]["o"]["value"], f"h{i}")
        fails("broken", template([vault("kv-bad", sku={"family": "A", "name": "gold"})]), "rg-history")
        base = path("", "rg-history").rstrip("/")
        names = [d["name"] for d in cloud.arm("GET", base, DEPLOYMENTS).json["value"]]
        self.assertEqual(names, ["broken", "h4", "h3", "h2", "h1", "h0"])
        filtered = cloud.arm("GET", base + "?$filter=" + urllib.parse.quote("provisioningState eq 'Failed'"), DEPLOYMENTS)
        self.assertEqual([d["name"] for d in filtered.json["value"]], ["broken"])
        self.refuse(cloud.arm("GET", base + "?$filter=" + urllib.parse.quote("name eq 'x'"), DEPLOYMENTS), 400, "InvalidFilterInQueryString")
        seen, link = [], base + "?$top=4&api-version=" + DEPLOYMENTS
        while link:
            page = cloud.send("GET", "management.azure.com", link, None, {"Authorization": "Bearer " + cloud.token()})
            self.assertLessEqual(len(page.json["value"]), 4)
            seen += [d["name"] for d in page.json["value"]]
            target = urllib.parse.urlsplit(page.json.get("nextLink", ""))
            link = f"{target.path}?{target.query}" if target.path else None
        self.assertEqual(seen, names)
        self.assertEqual(cloud.arm("HEAD", path("h0", "rg-history"), DEPLOYMENTS).status, 204)
        exported = cloud.arm("POST", path("h0", "rg-history", "/exportTemplate"), DEPLOYMENTS)
        self.assertEqual(exported.json, {"template": content})
        self.assertEqual(cloud.arm("DELETE", path("h0", "rg-history"), DEPLOYMENTS).status, 204)
        self.assertEqual(cloud.arm("HEAD", path("h0", "rg-history"), DEPLOYMENTS).status, 404)
        self.assertEqual(cloud.arm("DELETE", path("h0", "rg-history"), DEPLOYMENTS).status, 204)
        self.refuse(cloud.arm("POST", path("h0", "rg-history", "/exportTemplate"), DEPLOYMENTS), 404, "DeploymentNotFound")
        self.refuse(cloud.arm("POST", path("h1", "rg-history", "/cancel"), DEPLOYMENTS), 409, "DeploymentCannotBeCancelled")

    def test_a_hash_tells_templates_apart(self):
        where = "/providers/Microsoft.Resources/calculateTemplateHash"
        one = cloud.arm("POST", where, DEPLOYMENTS, template()).json
        self.assertTrue(one["templateHash"].isdigit())
        self.assertNotIn(" ", one["minifiedTemplate"])
        self.assertEqual(cloud.arm("POST", where, DEPLOYMENTS, template()).json, one)
        self.assertNotEqual(cloud.arm("POST", where, DEPLOYMENTS, template(variables={"a": 1})).json["templateHash"], one["templateHash"])
        self.assertEqual(succeeds("hashed", template())["templateHash"], one["templateHash"])
        self.refuse(cloud.arm("POST", where, DEPLOYMENTS, b"[]"), 400, "InvalidRequestContent")

    def test_a_group_as_a_template(self):
        cloud.make_group("rg-export")
        succeeds("made", template([identity("id-export", tags={"odd": "[[text]", "open": "[text"}), vault("kv-export-1")]), "rg-export")
        answer = cloud.arm("POST", cloud.group("rg-export") + "/exportTemplate", DEPLOYMENTS, {"resources": ["*"]})
        self.assertEqual(answer.status, 200, answer)
        exported = answer.json["template"]
        self.assertEqual([r["name"] for r in exported["resources"]], ["kv-export-1", "id-export"])
        by_name = {r["name"]: r for r in exported["resources"]}
        self.assertEqual(by_name["id-export"]["tags"], {"odd": "[[text]", "open": "[text"})
        self.assertEqual({c["changeType"] for c in changes("again", exported, "rg-export").values()}, {"NoChange"})


class WhatIf(Case):
    def setUp(self):
        self.group = "rg-whatif-" + uuid.uuid4().hex[:6]
        cloud.make_group(self.group)

    def test_changes_of_members(self):
        succeeds("before", template([identity("id-same", tags={"a": "1"}), identity("id-changed", tags={"a": "1", "gone": "x"}), identity("id-other")]),
                 self.group)
        content = template([identity("id-same", tags={"a": "1"}), identity("id-changed", tags={"a": "2", "new": "y"}), identity("id-new")])
        found = changes("after", content, self.group)
        self.assertEqual({k: v["changeType"] for k, v in found.items()},
                         {"id-same": "NoChange", "id-changed": "Modify", "id-new": "Create", "id-other": "Ignore"})
        changed = found["id-changed"]
        self.assertEqual(sorted(changed["delta"], key=lambda d: d["path"]), [
            {"path": "tags.a", "propertyChangeType": "Modify", "before": "1", "after": "2", "children": None},
            {"path": "tags.gone", "propertyChangeType": "Delete", "before": "x", "after": None, "children": None},
            {"path": "tags.new", "propertyChangeType": "Create", "before": None, "after": "y", "children": None}])
        self.assertEqual(changed["before"]["tags"], {"a": "1", "gone": "x"})
        self.assertEqual(changed["after"]["tags"], {"a": "2", "new": "y"})
        self.assertEqual(changed["after"]["apiVersion"], IDENTITIES)
        self.assertNotIn("before", found["id-new"])
        self.assertNotIn("principalId", found["id-new"]["after"].get("properties", {}))
        self.assertEqual(found["id-other"]["before"]["id"], cloud.id(IDENTITY, "id-other", self.group))
        self.assertNotIn("after", found["id-other"])

    def test_arrays_by_place(self):
        rules = lambda *values: {"networkAcls": {"defaultAction": "Deny", "bypass": "None", "ipRules": [{"value": v} for v in values]}}
        name = "kv-" + self.group[-6:]
        succeeds("before", template([vault(name, **rules("9.9.9.9", "8.8.8.8"))]), self.group)
        found = changes("after", template([vault(name, **rules("9.9.9.9", "7.7.7.7", "6.6.6.6"))]), self.group)[name]
        self.assertEqual(found["changeType"], "Modify")
        array = [d for d in found["delta"] if d["path"] == "properties.networkAcls.ipRules"]
        self.assertEqual([d["propertyChangeType"] for d in array], ["Array"], found["delta"])
        self.assertEqual([(c["path"], c["propertyChangeType"]) for c in array[0]["children"]], [("1", "Modify"), ("2", "Create")])
        self.assertEqual(len(found["delta"]), 1, found["delta"])

    def test_nothing_is_left_behind(self):
        succeeds("before", template([identity("id-kept"), identity("id-changed")]), self.group)
        before = stored()
        name = "kv-" + self.group[-6:]
        content = template([
            identity("id-changed", tags={"a": "b"}), vault(name), identity("id-new"),
            {"type": "Microsoft.KeyVault/vaults/keys", "apiVersion": VAULTS, "name": f"{name}/k", "dependsOn": [name],
             "properties": {"kty": "RSA", "keySize": 2048}},
            {"type": "Microsoft.Authorization/roleAssignments", "apiVersion": ROLES, "name": str(uuid.uuid4()), "dependsOn": ["id-new"],
             "scope": f"[resourceId('Microsoft.KeyVault/vaults', '{name}')]",
             "properties": {"principalId": "[reference('id-new').principalId]", "principalType": "ServicePrincipal",
                            "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{ENCRYPTION_USER}"}},
            nested("inner", template([identity("id-inner")]))])
        found = changes("after", content, self.group, mode="Complete")
        self.assertEqual({v["changeType"] for k, v in found.items() if k not in ("id-kept", "id-changed")}, {"Create"}, found)
        self.assertEqual((found["id-kept"]["changeType"], found["id-changed"]["changeType"]), ("Delete", "Modify"))
        self.assertIn("id-inner", found)
        validated = cloud.arm("POST", path("after", self.group, "/validate"), DEPLOYMENTS, body(content))
        self.assertEqual(validated.status, 200, validated)
        self.assertEqual(stored(), before)
        # And so it comes.
        succeeds("after", content, self.group, mode="Complete")
        again = changes("again", content, self.group)
        self.assertEqual({c["changeType"] for c in again.values()}, {"NoChange"}, again)

    def test_ids_only(self):
        succeeds("before", template([identity("id-a")]), self.group)
        asked = body(template([identity("id-a"), identity("id-b")]), whatIfSettings={"resultFormat": "ResourceIdOnly"})
        answer = cloud.arm("POST", path("x", self.group, "/whatIf"), DEPLOYMENTS, asked)
        self.assertEqual(sorted((c["resourceId"].split("/")[-1], c["changeType"], len(c)) for c in answer.json["properties"]["changes"]),
                         [("id-a", "Deploy", 2), ("id-b", "Create", 2)])
        asked["properties"]["whatIfSettings"]["resultFormat"] = "Pictures"
        self.refuse(cloud.arm("POST", path("x", self.group, "/whatIf"), DEPLOYMENTS, asked), 400, "InvalidRequestContent")

    def test_what_would_be_refused(self):
        content = template([identity("id-a"), vault("kv-bad", sku={"family": "A", "name": "gold"})])
        answer = what_if("x", content, self.group)
        self.assertEqual((answer.status, answer.json["status"]), (200, "Failed"), answer)
        error = answer.json["error"]
        self.assertEqual(error["code"], "InvalidTemplateDeployment")
        self.assertEqual(error["details"][0]["target"], cloud.id("Microsoft.KeyVault/vaults", "kv-bad", self.group))
        refused = cloud.arm("POST", path("x", self.group, "/validate"), DEPLOYMENTS, body(content))
        self.refuse(refused, 400, "InvalidTemplateDeployment")
        self.assertEqual(refused.json["error"]["details"], error["details"])
        for tail in ("/whatIf", "/validate"):
            self.refuse(cloud.arm("POST", path("x", self.group, tail), DEPLOYMENTS, body(template([identity("[nothing()]")]))), 400, "InvalidTemplate")
        self.assertEqual(get("x", self.group).status, 404)

    def test_a_validation_tells_what_it_validated(self):
        answer = cloud.arm("POST", path("x", self.group, "/validate"), DEPLOYMENTS, body(
            template([identity("id-a")], parameters={"s": {"type": "securestring"}, "n": {"type": "int"}}), parameters={"s": "hidden!", "n": 1}))
        self.assertEqual(answer.status, 200, answer)
        p = answer.json["properties"]
        self.assertEqual((p["provisioningState"], p["validatedResources"]), ("Succeeded", [{"id": cloud.id(IDENTITY, "id-a", self.group)}]))
        self.assertEqual(p["parameters"]["n"]["value"], 1)
        self.assertNotIn("hidden!", answer.text)

    def test_rights_count_in_a_try_too(self):
        token, principal = stranger()
        self.refuse(what_if("x", template(), self.group, token=token), 403, "AuthorizationFailed", "whatIf/action")
        # Who may try, and no more, finds out nothing by it.
        role = f"{cloud.scope}/providers/Microsoft.Authorization/roleDefinitions/{uuid.uuid4()}"
        made = cloud.arm("PUT", role, ROLES, {"properties": {"roleName": "Trier " + self.group, "assignableScopes": [cloud.scope], "permissions": [
            {"actions": ["Microsoft.Resources/deployments/*"], "notActions": []}]}})
        self.assertIn(made.status, (200, 201), made)
        granted = cloud.arm("PUT", f"{cloud.group(self.group)}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}", ROLES, {
            "properties": {"principalId": principal, "principalType": "ServicePrincipal", "roleDefinitionId": role}})
        self.assertEqual(granted.status, 201, granted)
        succeeds("before", template([identity("id-a")]), self.group)
        self.assertEqual(what_if("x", template(), self.group, token=token).json["properties"]["changes"], [])
        error = what_if("x", template([identity("id-a")]), self.group, token=token).json["error"]
        self.assertEqual(error["details"][0]["code"], "AuthorizationFailed")
        read = template(outputs={"o": {"type": "object", "value": f"[reference(resourceId('{IDENTITY}', 'id-a'), '{IDENTITIES}')]"}})
        self.assertEqual(what_if("x", read, self.group, token=token).json["error"]["details"][0]["code"], "AuthorizationFailed")
        elsewhere = template([nested("in", template(), resourceGroup="rg")])
        self.assertEqual(what_if("x", elsewhere, self.group, token=token).json["error"]["details"][0]["code"], "AuthorizationFailed")
        foreign = template([nested("in", template(), resourceGroup="rg", subscriptionId=str(uuid.uuid4()))])
        self.assertIn(what_if("x", foreign, self.group, token=token).json["error"]["details"][0]["code"],
                      ("AuthorizationFailed", "SubscriptionNotFound"))


class Nested(Case):
    def test_inner_and_outer(self):
        inner = template([identity("[parameters('name')]")], parameters={"name": {"type": "string"}},
                         outputs={"id": {"type": "string", "value": f"[resourceId('{IDENTITY}', parameters('name'))]"}})
        outer = template([identity("[variables('outside')]")])
        content = template([nested("n-inner", inner, parameters={"name": {"value": "id-n-inner"}}), nested("n-outer", outer, scope="outer"),
                            identity("id-n-after", dependsOn=["n-inner"], tags={"id": "[reference('n-inner').outputs.id.value]"})],
                           variables={"outside": "id-n-outer"})
        found = changes("nest", content)
        self.assertEqual({found[n]["changeType"] for n in ("id-n-inner", "id-n-outer", "id-n-after")}, {"Create"})
        p = succeeds("nest", content)
        self.assertEqual(cloud.arm("GET", cloud.id(IDENTITY, "id-n-after"), IDENTITIES).json["tags"]["id"], cloud.id(IDENTITY, "id-n-inner"))
        for name in ("n-inner", "n-outer"):
            child = get(name).json["properties"]
            self.assertEqual((child["provisioningState"], child["correlationId"]), ("Succeeded", p["correlationId"]))
            self.refuse(cloud.arm("POST", path(name, tail="/exportTemplate"), DEPLOYMENTS), 404, "DeploymentTemplateNotFound")
        self.assertIn(path("n-inner"), [r["id"] for r in p["outputResources"]])

    def test_another_group_and_a_failure_inside(self):
        cloud.make_group("rg-elsewhere")
        content = template([nested("far", template([identity("id-far"), vault("kv-bad", sku={"family": "A", "name": "gold"})]),
                                   resourceGroup="rg-elsewhere")])
        p = fails("outside", content)
        self.assertEqual(cloud.arm("GET", cloud.id(IDENTITY, "id-far", "rg-elsewhere"), IDENTITIES).status, 200)
        detail = p["error"]["details"][0]
        self.assertEqual((detail["code"], detail["target"]), ("ResourceDeploymentFailure", path("far", "rg-elsewhere")))
        self.assertEqual(detail["details"][0]["code"], "DeploymentFailed")
        inside = get("far", "rg-elsewhere").json["properties"]["error"]["details"][0]
        self.assertEqual(detail["details"][0]["details"][0], inside)

    def test_depth_and_mode(self):
        def deep(levels):
            return template([nested(f"deep{levels}", deep(levels - 1))] if levels else [identity("id-deep")])
        succeeds("deep-enough", deep(4))
        self.assertIn("nested deeper", str(fails("too-deep", deep(5))["error"]))
        answer = what_if("too-deep", deep(5))
        self.assertIn("nested deeper", str(answer.json["error"]))
        part = nested("whole", template())
        part["properties"]["mode"] = "Complete"
        self.assertIn("root-level", str(fails("whole", template([part]))["error"]))

    def test_a_parent_is_not_for_clients_to_name(self):
        known = get("nest").json
        accepted = cloud.arm("PUT", path("orphan") + "?parent=" + str(uuid.uuid4()), DEPLOYMENTS, body(template()))
        self.assertEqual(accepted.status, 201, accepted)
        cloud.wait(accepted)
        self.assertEqual(cloud.arm("POST", path("orphan", tail="/exportTemplate"), DEPLOYMENTS).status, 200, known)


class Subscription(Case):
    def test_groups_and_what_is_in_them(self):
        group = "rg-sub-" + uuid.uuid4().hex[:6]
        content = template([
            {"type": "Microsoft.Resources/resourceGroups", "apiVersion": GROUPS, "name": group, "location": "[deployment().location]"},
            nested("inside", template([identity("[parameters('n')]", location="[resourceGroup().location]")], parameters={"n": {"type": "string"}}),
                   resourceGroup=group, dependsOn=[group], parameters={"n": {"value": "id-inside"}}),
        ], schema=SUBSCRIPTION_SCHEMA, outputs={"s": {"type": "string", "value": "[subscription().subscriptionId]"}})
        self.refuse(put("sub1", content, None), 400, "LocationRequired")
        self.refuse(put("sub1", content, None, location="westeurope", mode="Complete"), 400, "InvalidDeployment")
        found = changes("sub1", content, None, location="westeurope")
        self.assertEqual({k: v["changeType"] for k, v in found.items()}, {group: "Create", "id-inside": "Create"})
        p = succeeds("sub1", content, None, location="westeurope")
        self.assertEqual(p["outputs"]["s"]["value"], cloud.subscription)
        self.assertEqual(get("sub1", None).json["location"], "westeurope")
        self.assertEqual(cloud.arm("GET", cloud.id(IDENTITY, "id-inside", group), IDENTITIES).status, 200)
        self.refuse(put("sub1", content, None, location="northeurope"), 409, "InvalidDeploymentLocation", "westeurope")
        self.assertEqual([o["properties"]["provisioningState"] for o in operations("sub1", None)], ["Succeeded"] * 3)
        self.assertIn("sub1", [d["name"] for d in cloud.arm("GET", path("", None).rstrip("/"), DEPLOYMENTS).json["value"]])
        self.assertEqual({c["changeType"] for c in changes("sub1", content, None, location="westeurope").values()}, {"NoChange"})


class Complete(Case):
    def test_what_is_not_named_goes(self):
        cloud.make_group("rg-complete")
        kept = identity("id-kept")
        succeeds("one", template([kept, identity("id-gone"), identity("id-off"), vault("kv-complete-1")]), "rg-complete")
        content = template([kept, identity("id-off", condition=False), identity("id-added")])
        self.assertEqual({k: v["changeType"] for k, v in changes("two", content, "rg-complete", mode="Complete").items()},
                         {"id-kept": "NoChange", "id-gone": "Delete", "id-off": "Delete", "kv-complete-1": "Delete", "id-added": "Create"})
        p = succeeds("two", content, "rg-complete", mode="Complete")
        self.assertEqual(p["mode"], "Complete")
        left = cloud.arm("GET", cloud.group("rg-complete") + "/resources", GROUPS).json["value"]
        self.assertEqual(sorted(r["name"] for r in left), ["id-added", "id-kept"])
        deleted = [o["properties"]["targetResource"]["resourceName"] for o in operations("two", "rg-complete")
                   if o["properties"]["provisioningOperation"] == "Delete"]
        self.assertEqual(sorted(deleted), ["id-gone", "id-off", "kv-complete-1"])

    def test_a_failure_deletes_nothing(self):
        cloud.make_group("rg-incomplete")
        succeeds("one", template([identity("id-there")]), "rg-incomplete")
        fails("two", template([vault("kv-bad", sku={"family": "A", "name": "gold"})]), "rg-incomplete", mode="Complete")
        self.assertEqual(cloud.arm("GET", cloud.id(IDENTITY, "id-there", "rg-incomplete"), IDENTITIES).status, 200)

    def test_what_cannot_be_deleted_fails_it(self):
        cloud.make_group("rg-locked")
        succeeds("one", template([identity("id-locked"), identity("id-free")]), "rg-locked")
        lock = cloud.id(IDENTITY, "id-locked", "rg-locked") + "/providers/Microsoft.Authorization/locks/l"
        self.assertIn(cloud.arm("PUT", lock, "2020-05-01", {"properties": {"level": "CanNotDelete"}}).status, (200, 201))
        p = fails("two", template(), "rg-locked", mode="Complete")
        self.assertEqual([d["target"] for d in p["error"]["details"]], [cloud.id(IDENTITY, "id-locked", "rg-locked")])
        self.assertEqual(cloud.arm("GET", cloud.id(IDENTITY, "id-free", "rg-locked"), IDENTITIES).status, 404)


class Long(Case):
    def slow(self, count):
        """Keys are made one after the other and take their time."""
        return template([vault("kv-slow-" + self.id_), {
            "type": "Microsoft.KeyVault/vaults/keys", "apiVersion": VAULTS, "name": f"[concat('kv-slow-{self.id_}/k', copyIndex())]",
            "copy": {"name": "keys", "count": count}, "dependsOn": ["kv-slow-" + self.id_], "properties": {"kty": "RSA", "keySize": 4096}}])

    def setUp(self):
        self.id_ = uuid.uuid4().hex[:6]

    def test_cancel_and_what_an_active_one_refuses(self):
        name = "slow-" + self.id_
        accepted = put(name, self.slow(40))
        self.assertEqual(accepted.status, 201, accepted)
        self.refuse(put(name, template()), 409, "DeploymentActive", name)
        self.refuse(cloud.arm("DELETE", path(name), DEPLOYMENTS), 409, "DeploymentActive")
        self.assertEqual(cloud.arm("POST", path(name, tail="/cancel"), DEPLOYMENTS).status, 204)
        state = cloud.wait(accepted)
        p = get(name).json["properties"]
        self.assertEqual((state["status"], p["provisioningState"], p["error"]["code"]), ("Canceled", "Canceled", "DeploymentCanceled"))
        self.assertLess(len(operations(name)), 41)
        self.refuse(cloud.arm("POST", path(name, tail="/cancel"), DEPLOYMENTS), 409, "DeploymentCannotBeCancelled")

    def test_cancel_reaches_what_is_nested(self):
        name = "nested-slow-" + self.id_
        accepted = put(name, template([nested("in-" + name, self.slow(40))]))
        cloud.until(lambda: get("in-" + name).status != 404)
        self.assertEqual(cloud.arm("POST", path(name, tail="/cancel"), DEPLOYMENTS).status, 204)
        cloud.wait(accepted)
        cloud.until(lambda: get("in-" + name).json["properties"]["provisioningState"] != "Running")
        self.assertEqual(get("in-" + name).json["properties"]["provisioningState"], "Canceled")

    def test_a_crash_in_the_middle(self):
        name, count = "crash-" + self.id_, 50
        content = template([identity(f"[concat('id-{self.id_}-', copyIndex())]", copy={"name": "ids", "count": count}),
                            nested("in-" + name, self.slow(10))],
                           outputs={"n": {"type": "int", "value": count}})
        accepted = put(name, content)
        self.assertEqual(accepted.status, 201, accepted)
        for _ in range(3):
            time.sleep(0.15)
            os.kill(server_pid(), signal.SIGKILL)
            time.sleep(1.0)
        self.assertEqual(cloud.wait(accepted)["status"], "Succeeded")
        p = get(name).json["properties"]
        self.assertEqual((p["provisioningState"], len(p["outputResources"])), ("Succeeded", count + 1))
        for i in range(count):
            self.assertEqual(cloud.arm("GET", cloud.id(IDENTITY, f"id-{self.id_}-{i}"), IDENTITIES).status, 200)
        self.assertEqual({o["properties"]["provisioningState"] for o in operations("in-" + name)}, {"Succeeded"})

    def test_a_group_that_goes_takes_its_deployments_along(self):
        cloud.make_group("rg-gone")
        succeeds("gone", template([identity("id-x")]), "rg-gone")
        cloud.done(cloud.arm("DELETE", cloud.group("rg-gone"), GROUPS))
        cloud.make_group("rg-gone")
        self.assertEqual(cloud.arm("GET", path("", "rg-gone").rstrip("/"), DEPLOYMENTS).json["value"], [])

    def test_a_thousand_resources(self):
        cloud.make_group("rg-many")
        content = template([identity("[concat('id-many-', copyIndex())]", copy={"name": "ids", "count": 800}),
                            identity("[concat('id-more-', copyIndex())]", copy={"name": "more", "count": 200})])
        began = time.monotonic()
        p = succeeds("many", content, "rg-many")
        took = time.monotonic() - began
        self.assertEqual(len(p["outputResources"]), 1000)
        print(f"\n1000 resources in {took:.1f} s", flush=True)
        began = time.monotonic()
        found = changes("many", content, "rg-many")
        print(f"what-if of 1000 resources in {time.monotonic() - began:.1f} s", flush=True)
        self.assertEqual({c["changeType"] for c in found.values()}, {"NoChange"})
        self.assertLess(took, 60)

    def test_the_history_is_short(self):
        cloud.make_group("rg-long")
        with cloud.store() as db:
            for i in range(805):
                name = f"old{i}"
                where = path(name, "rg-long")
                db.execute("INSERT INTO deployments (run, id, display_id, subscription_id, resource_group, name, location, state, complete, cancel,"
                           " parent, depth, correlation, details, place, created_ns, changed_ns, ended_ns) VALUES (?,?,?,?,'rg-long',?,'','Succeeded',"
                           "0,0,'',1,'','{}','{}',?,?,?)", (f"run{i}", where.lower(), where, cloud.subscription, name, i + 1, i + 1, i + 1))
        succeeds("newest", template(), "rg-long")
        pages = cloud.follow(cloud.arm("GET", path("", "rg-long").rstrip("/"), DEPLOYMENTS))
        names = [d["name"] for page in pages for d in page]
        self.assertEqual((len(names), names[0], names[-1]), (800, "newest", "old6"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
