// SPDX-License-Identifier: Apache-2.0
// Identifiers that Azure compares without case are stored lower-cased in the key columns; the spelling to show
// stands beside them. Times are seconds since 1970 unless a name ends in _ns. JSON is kept as text.
#include "store/schema.h"

static const char step_1[] =
	"CREATE TABLE settings ("
	"  name TEXT PRIMARY KEY, value TEXT NOT NULL);"

	// Entra: who may ask.
	"CREATE TABLE tenants ("
	"  id TEXT PRIMARY KEY, display_name TEXT NOT NULL, created BIGINT NOT NULL);"
	"CREATE TABLE applications ("
	"  app_id TEXT PRIMARY KEY, object_id TEXT NOT NULL UNIQUE, tenant_id TEXT NOT NULL REFERENCES tenants(id),"
	"  display_name TEXT NOT NULL, created BIGINT NOT NULL);"
	"CREATE TABLE application_secrets ("
	"  key_id TEXT PRIMARY KEY, app_id TEXT NOT NULL REFERENCES applications(app_id), secret_hash TEXT NOT NULL,"
	"  not_before BIGINT NOT NULL, not_after BIGINT NOT NULL);"
	// kind is Application or ManagedIdentity; resource_id is the ARM id of a managed identity.
	"CREATE TABLE service_principals ("
	"  object_id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL REFERENCES tenants(id), app_id TEXT NOT NULL,"
	"  kind TEXT NOT NULL, display_name TEXT NOT NULL, resource_id TEXT, enabled BIGINT NOT NULL,"
	"  created BIGINT NOT NULL, UNIQUE (tenant_id, app_id));"
	"CREATE TABLE signing_keys ("
	"  kid TEXT PRIMARY KEY, sealed BYTEA NOT NULL, jwk TEXT NOT NULL, created BIGINT NOT NULL);"

	// Access: who may do what where.
	"CREATE TABLE role_assignments ("
	"  id TEXT PRIMARY KEY, display_id TEXT NOT NULL, name TEXT NOT NULL, scope TEXT NOT NULL,"
	"  display_scope TEXT NOT NULL, principal_id TEXT NOT NULL, principal_type TEXT NOT NULL, role_id TEXT NOT NULL,"
	"  description TEXT, created BIGINT NOT NULL, created_by TEXT NOT NULL,"
	"  UNIQUE (scope, principal_id, role_id));"
	"CREATE INDEX role_assignments_by_principal ON role_assignments (principal_id);"

	// ARM: resources as documents; hidden is the provider's own state, never shown.
	"CREATE TABLE subscriptions ("
	"  id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL REFERENCES tenants(id), display_name TEXT NOT NULL);"
	"CREATE TABLE resources ("
	"  id TEXT PRIMARY KEY, display_id TEXT NOT NULL, type TEXT NOT NULL, subscription_id TEXT NOT NULL,"
	"  resource_group TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, hidden TEXT NOT NULL,"
	"  generation BIGINT NOT NULL, created BIGINT NOT NULL, changed BIGINT NOT NULL);"
	"CREATE INDEX resources_by_type ON resources (subscription_id, type, resource_group);"
	"CREATE TABLE operations ("
	"  id TEXT PRIMARY KEY, subscription_id TEXT NOT NULL, location TEXT NOT NULL, kind TEXT NOT NULL,"
	"  resource_id TEXT NOT NULL, status TEXT NOT NULL, error TEXT, started_ns BIGINT NOT NULL, ended_ns BIGINT,"
	"  deadline BIGINT NOT NULL);"
	"CREATE INDEX operations_by_status ON operations (status, deadline);"
	// What an operation still waits for: that the hypervisor reports this generation of this resource.
	"CREATE TABLE operation_waits ("
	"  operation_id TEXT NOT NULL REFERENCES operations(id), resource_id TEXT NOT NULL, generation BIGINT NOT NULL,"
	"  PRIMARY KEY (operation_id, resource_id));"
	"CREATE INDEX operation_waits_by_resource ON operation_waits (resource_id);"
	"CREATE TABLE activity_log ("
	"  id TEXT PRIMARY KEY, time_ns BIGINT NOT NULL, subscription_id TEXT NOT NULL, resource_id TEXT NOT NULL,"
	"  operation TEXT NOT NULL, status TEXT NOT NULL, caller TEXT NOT NULL, message TEXT);"

	// Key Vault.
	"CREATE TABLE vaults ("
	"  name TEXT PRIMARY KEY, display_name TEXT NOT NULL, resource_id TEXT NOT NULL, tenant_id TEXT NOT NULL,"
	"  location TEXT NOT NULL, sku TEXT NOT NULL, rbac BIGINT NOT NULL,"
	"  retention_days BIGINT NOT NULL, purge_protection BIGINT NOT NULL,"
	"  created BIGINT NOT NULL, deleted BIGINT, purge_at BIGINT);"
	"CREATE TABLE vault_keys ("
	"  vault TEXT NOT NULL REFERENCES vaults(name), name TEXT NOT NULL, display_name TEXT NOT NULL,"
	"  current_version TEXT NOT NULL, deleted BIGINT, purge_at BIGINT, PRIMARY KEY (vault, name));"
	"CREATE TABLE vault_key_versions ("
	"  vault TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, ordinal BIGINT NOT NULL, kty TEXT NOT NULL,"
	"  jwk TEXT NOT NULL, sealed BYTEA NOT NULL, key_ops TEXT NOT NULL, enabled BIGINT NOT NULL, nbf BIGINT,"
	"  exp BIGINT, tags TEXT, created BIGINT NOT NULL, updated BIGINT NOT NULL,"
	"  PRIMARY KEY (vault, name, version), FOREIGN KEY (vault, name) REFERENCES vault_keys(vault, name));"
	"CREATE TABLE audit ("
	"  id TEXT PRIMARY KEY, time_ns BIGINT NOT NULL, vault TEXT NOT NULL, operation TEXT NOT NULL,"
	"  status BIGINT NOT NULL, record TEXT NOT NULL);"
	"CREATE INDEX audit_by_vault ON audit (vault, time_ns);";

// Access policies, network rules and the other settings of vaults. A mask has one bit a permission, by its place in the
// table of vault/policies.c, where names are only ever added at the end; entry is the JSON that was sent.
static const char step_2[] =
	"ALTER TABLE vaults ADD COLUMN for_deployment BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE vaults ADD COLUMN for_disk_encryption BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE vaults ADD COLUMN for_template_deployment BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE vaults ADD COLUMN private_only BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE vaults ADD COLUMN network_acls TEXT;"
	"ALTER TABLE vaults ADD COLUMN network_deny BIGINT NOT NULL DEFAULT 0;"
	"ALTER TABLE vaults ADD COLUMN network_no_bypass BIGINT NOT NULL DEFAULT 0;"
	"CREATE TABLE vault_ip_rules ("
	"  vault TEXT NOT NULL REFERENCES vaults(name), ordinal BIGINT NOT NULL, first_address BIGINT NOT NULL,"
	"  last_address BIGINT NOT NULL, PRIMARY KEY (vault, ordinal));"
	// application_id is '' where the policy is the object's own.
	"CREATE TABLE vault_policies ("
	"  vault TEXT NOT NULL REFERENCES vaults(name), object_id TEXT NOT NULL, application_id TEXT NOT NULL,"
	"  ordinal BIGINT NOT NULL, entry TEXT NOT NULL, key_mask BIGINT NOT NULL, secret_mask BIGINT NOT NULL,"
	"  PRIMARY KEY (vault, object_id, application_id));";

// One life for everything that a vault holds: keys and secrets are objects with versions.
static const char step_3[] =
	// kind is keys or secrets. due_at is when the scheduler has to look at an object: its policy rotates it, it nears its
	// expiry, it expires.
	"CREATE TABLE vault_objects ("
	"  vault TEXT NOT NULL REFERENCES vaults(name), kind TEXT NOT NULL, name TEXT NOT NULL, display_name TEXT NOT NULL,"
	"  current_version TEXT NOT NULL, managed BIGINT NOT NULL, deleted BIGINT, purge_at BIGINT, rotation_policy TEXT,"
	"  release_policy TEXT, due_at BIGINT, PRIMARY KEY (vault, kind, name));"
	"CREATE INDEX vault_objects_by_purge ON vault_objects (purge_at) WHERE purge_at IS NOT NULL;"
	"CREATE INDEX vault_objects_by_due ON vault_objects (due_at) WHERE due_at IS NOT NULL;"
	// kty, jwk, key_ops, exportable are a key's; content_type is a secret's. near_expiry_sent and expired_sent say that
	// the scheduler told of it.
	"CREATE TABLE vault_versions ("
	"  vault TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, ordinal BIGINT NOT NULL,"
	"  sealed BYTEA NOT NULL, enabled BIGINT NOT NULL, nbf BIGINT, exp BIGINT, tags TEXT, created BIGINT NOT NULL,"
	"  updated BIGINT NOT NULL, kty TEXT, jwk TEXT, key_ops TEXT, exportable BIGINT NOT NULL DEFAULT 0, content_type TEXT,"
	"  near_expiry_sent BIGINT, expired_sent BIGINT, PRIMARY KEY (vault, kind, name, version),"
	"  FOREIGN KEY (vault, kind, name) REFERENCES vault_objects(vault, kind, name));"
	"INSERT INTO vault_objects (vault, kind, name, display_name, current_version, managed, deleted, purge_at,"
	"  due_at) SELECT vault, 'keys', name, display_name, current_version, 0, deleted, purge_at, 0 FROM vault_keys;"
	"INSERT INTO vault_versions (vault, kind, name, version, ordinal, sealed, enabled, nbf, exp, tags, created, updated,"
	"  kty, jwk, key_ops) SELECT vault, 'keys', name, version, ordinal, sealed, enabled, nbf, exp, tags, created, updated,"
	"  kty, jwk, key_ops FROM vault_key_versions;"
	"DROP TABLE vault_key_versions;"
	"DROP TABLE vault_keys;";

// A page of a list costs the same whatever else the vault holds: pages of live objects behind deleted ones, and pages of
// deleted ones behind those that live.
static const char step_4[] =
	"CREATE INDEX vault_objects_live ON vault_objects (vault, kind, name) WHERE deleted IS NULL;"
	"CREATE INDEX vault_objects_deleted ON vault_objects (vault, kind, name) WHERE purge_at IS NOT NULL;";

// Managed HSM: who may do what with the keys of a pool. scope is /, /keys or /keys/{name in lower case}.
static const char step_5[] =
	"ALTER TABLE vaults ADD COLUMN pool_admins TEXT;"
	"CREATE TABLE pool_assignments ("
	"  vault TEXT NOT NULL REFERENCES vaults(name), name TEXT NOT NULL, scope TEXT NOT NULL, role_id TEXT NOT NULL,"
	"  principal_id TEXT NOT NULL, created BIGINT NOT NULL, PRIMARY KEY (vault, name),"
	"  UNIQUE (vault, scope, principal_id, role_id));"
	"CREATE INDEX pool_assignments_by_principal ON pool_assignments (vault, principal_id);";

// The directory: people, groups, applications of several tenants and what they prove themselves with.
static const char step_6[] =
	"ALTER TABLE tenants ADD COLUMN domain TEXT;"  // '{label}.onmicrosoft.com'
	// body has the other members that Graph shows and keeps; deleted since when it can be restored.
	"ALTER TABLE applications ADD COLUMN sign_in_audience TEXT NOT NULL DEFAULT 'AzureADMyOrg';"
	"ALTER TABLE applications ADD COLUMN body TEXT NOT NULL DEFAULT '{}';"
	"ALTER TABLE applications ADD COLUMN deleted BIGINT;"
	"ALTER TABLE service_principals ADD COLUMN body TEXT NOT NULL DEFAULT '{}';"
	"ALTER TABLE application_secrets ADD COLUMN display_name TEXT;"
	"ALTER TABLE application_secrets ADD COLUMN hint TEXT;"
	"CREATE TABLE application_certificates ("
	"  key_id TEXT PRIMARY KEY, app_id TEXT NOT NULL REFERENCES applications(app_id), display_name TEXT, thumbprint TEXT NOT NULL,"
	"  thumbprint_sha256 TEXT NOT NULL, certificate BYTEA NOT NULL, not_before BIGINT NOT NULL, not_after BIGINT NOT NULL,"
	"  UNIQUE (app_id, thumbprint_sha256));"
	// owner is the object id of an application or the ARM id, in lower case, of a user-assigned identity.
	"CREATE TABLE federated_credentials ("
	"  id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL,"
	"  audience TEXT NOT NULL, description TEXT, created BIGINT NOT NULL, UNIQUE (owner, name),"
	"  UNIQUE (owner, issuer, subject));"
	"CREATE TABLE users ("
	"  object_id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL REFERENCES tenants(id), upn TEXT NOT NULL UNIQUE,"
	"  display_name TEXT NOT NULL, enabled BIGINT NOT NULL, created BIGINT NOT NULL, body TEXT NOT NULL);"
	"CREATE TABLE groups ("
	"  object_id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL REFERENCES tenants(id), display_name TEXT NOT NULL,"
	"  created BIGINT NOT NULL, body TEXT NOT NULL);"
	// A member is a user, a service principal or a group of the same tenant.
	"CREATE TABLE group_members ("
	"  group_id TEXT NOT NULL REFERENCES groups(object_id), member_id TEXT NOT NULL, PRIMARY KEY (group_id, member_id));"
	"CREATE INDEX group_members_by_member ON group_members (member_id);"
	// Owners of applications, service principals and groups.
	"CREATE TABLE directory_owners ("
	"  object_id TEXT NOT NULL, owner_id TEXT NOT NULL, PRIMARY KEY (object_id, owner_id));"
	// Sign-ins that are under way and that were made; codes and tokens as hashes. state is pending, approved or declined.
	"CREATE TABLE device_codes ("
	"  hash TEXT PRIMARY KEY, user_code TEXT NOT NULL UNIQUE, tenant_id TEXT NOT NULL, client_id TEXT NOT NULL,"
	"  scope TEXT NOT NULL, state TEXT NOT NULL, user_id TEXT, polled BIGINT NOT NULL, expires BIGINT NOT NULL);"
	"CREATE TABLE refresh_tokens ("
	"  hash TEXT PRIMARY KEY, tenant_id TEXT NOT NULL, user_id TEXT NOT NULL, client_id TEXT NOT NULL,"
	"  created BIGINT NOT NULL, expires BIGINT NOT NULL);";

// Work that goes on after its answer.
static const char step_7[] =
	"CREATE TABLE jobs ("
	"  kind TEXT NOT NULL, id TEXT NOT NULL, caller TEXT NOT NULL, created BIGINT NOT NULL, PRIMARY KEY (kind, id));"
	"CREATE INDEX activity_log_by_subscription ON activity_log (subscription_id, time_ns);"
	"CREATE INDEX operations_by_resource ON operations (resource_id);";

// Who may manage a tenant's directory, and credentials of one service principal rather than of its application. There was
// one tenant before there were several, and its first principal managed everything.
static const char step_8[] =
	"CREATE TABLE directory_role_assignments ("
	"  id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL REFERENCES tenants(id), principal_id TEXT NOT NULL, role_id TEXT NOT NULL,"
	"  created BIGINT NOT NULL, UNIQUE (tenant_id, principal_id, role_id));"
	"CREATE INDEX directory_role_assignments_by_principal ON directory_role_assignments (principal_id);"
	"CREATE INDEX directory_owners_by_owner ON directory_owners (owner_id);"
	"CREATE INDEX applications_by_tenant ON applications (tenant_id, object_id);"
	"CREATE INDEX service_principals_by_tenant ON service_principals (tenant_id, object_id);"
	"CREATE INDEX users_by_tenant ON users (tenant_id, object_id);"
	"CREATE INDEX groups_by_tenant ON groups (tenant_id, object_id);"
	// NULL where the credential is the application's, and good in every tenant.
	"ALTER TABLE application_secrets ADD COLUMN principal_id TEXT;"
	"ALTER TABLE application_certificates ADD COLUMN principal_id TEXT;"
	"CREATE INDEX application_secrets_by_application ON application_secrets (app_id);"
	"UPDATE tenants SET domain = 'custodisk.onmicrosoft.com' WHERE domain IS NULL;"
	"INSERT INTO directory_role_assignments (id, tenant_id, principal_id, role_id, created)"
	"  SELECT object_id, tenant_id, object_id, '62e90394-69f5-4237-9190-012177145e10', created FROM service_principals"
	"  WHERE display_name = 'custodisk-bootstrap' AND kind = 'Application';";

// Several subscriptions, what each of them uses, and who did what in them.
static const char step_9[] =
	"ALTER TABLE subscriptions ADD COLUMN state TEXT NOT NULL DEFAULT 'Enabled';"  // or Disabled
	"ALTER TABLE subscriptions ADD COLUMN tags TEXT;"
	"ALTER TABLE subscriptions ADD COLUMN workload TEXT NOT NULL DEFAULT 'Production';"  // or DevTest
	"CREATE TABLE subscription_aliases ("
	"  tenant_id TEXT NOT NULL REFERENCES tenants(id), name TEXT NOT NULL, display_name TEXT NOT NULL,"
	"  subscription_id TEXT NOT NULL REFERENCES subscriptions(id), created BIGINT NOT NULL, created_by TEXT NOT NULL,"
	"  PRIMARY KEY (tenant_id, name));"
	// Every namespace is registered but these.
	"CREATE TABLE unregistered_namespaces ("
	"  subscription_id TEXT NOT NULL REFERENCES subscriptions(id), namespace TEXT NOT NULL,"
	"  PRIMARY KEY (subscription_id, namespace));"
	// state is Registering, Pending (an operator decides) or Unregistering; since `changed`.
	"CREATE TABLE feature_registrations ("
	"  subscription_id TEXT NOT NULL REFERENCES subscriptions(id), namespace TEXT NOT NULL, name TEXT NOT NULL,"
	"  state TEXT NOT NULL, changed BIGINT NOT NULL, PRIMARY KEY (subscription_id, namespace, name));"
	// value is '' for the name itself.
	"CREATE TABLE tag_names ("
	"  subscription_id TEXT NOT NULL REFERENCES subscriptions(id), name TEXT NOT NULL, value TEXT NOT NULL,"
	"  display_name TEXT NOT NULL, PRIMARY KEY (subscription_id, name, value));"
	"CREATE INDEX resources_by_group ON resources (subscription_id, resource_group, id);"
	"ALTER TABLE activity_log ADD COLUMN tenant_id TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE activity_log ADD COLUMN resource_group TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE activity_log ADD COLUMN resource_type TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE activity_log ADD COLUMN caller_name TEXT NOT NULL DEFAULT '';"  // a person's user principal name
	"ALTER TABLE activity_log ADD COLUMN app_id TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE activity_log ADD COLUMN method TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE activity_log ADD COLUMN request_id TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE activity_log ADD COLUMN correlation_id TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE activity_log ADD COLUMN client_address TEXT NOT NULL DEFAULT '';"
	"CREATE INDEX activity_log_by_time ON activity_log (time_ns);";

// What a client saw of a resource, for its preconditions; and pages of a subscription or group in the order of ids.
static const char step_10[] =
	"ALTER TABLE resources ADD COLUMN etag TEXT NOT NULL DEFAULT '';"
	"DROP INDEX resources_by_type;"
	"CREATE INDEX resources_by_type ON resources (subscription_id, type, id);"
	"CREATE INDEX resources_by_place ON resources (subscription_id, resource_group, id);";

// Private endpoint connections of vaults.
static const char step_11[] =
	"CREATE TABLE vault_connections ("
	"  vault TEXT NOT NULL REFERENCES vaults(name), name TEXT NOT NULL, endpoint_id TEXT NOT NULL, status TEXT NOT NULL,"
	"  description TEXT, etag TEXT NOT NULL, created BIGINT NOT NULL, PRIMARY KEY (vault, name), UNIQUE (vault, endpoint_id));"
	// The tags of a deleted vault, for its recovery.
	"ALTER TABLE vaults ADD COLUMN tags TEXT;";

// Role assignments belong to a tenant, which those at "/" had none of: names are a tenant's own, and so are custom roles.
static const char step_12[] =
	"ALTER TABLE role_assignments RENAME TO role_assignments_before;"
	"DROP INDEX role_assignments_by_principal;"
	"CREATE TABLE role_assignments ("
	"  tenant_id TEXT NOT NULL, id TEXT NOT NULL, display_id TEXT NOT NULL, name TEXT NOT NULL, scope TEXT NOT NULL,"
	"  display_scope TEXT NOT NULL, principal_id TEXT NOT NULL, principal_type TEXT NOT NULL, role_id TEXT NOT NULL,"
	"  description TEXT, created BIGINT NOT NULL, created_by TEXT NOT NULL, updated BIGINT NOT NULL,"
	"  updated_by TEXT NOT NULL, PRIMARY KEY (tenant_id, id), UNIQUE (principal_id, scope, role_id));"
	"INSERT INTO role_assignments (tenant_id, id, display_id, name, scope, display_scope, principal_id, principal_type,"
	"  role_id, description, created, created_by, updated, updated_by)"
	"  SELECT COALESCE((SELECT s.tenant_id FROM subscriptions s WHERE s.id = substr(b.scope, 16, 36)),"
	"  (SELECT p.tenant_id FROM service_principals p WHERE p.object_id = b.principal_id), ''), b.id, b.display_id,"
	"  lower(b.name), b.scope, b.display_scope, b.principal_id, b.principal_type, b.role_id, b.description, b.created,"
	"  b.created_by, b.created, b.created_by FROM role_assignments_before b;"
	"DROP TABLE role_assignments_before;"
	"CREATE INDEX role_assignments_by_scope ON role_assignments (scope);"
	"CREATE INDEX role_assignments_by_name ON role_assignments (tenant_id, name);"
	"CREATE INDEX role_assignments_by_role ON role_assignments (role_id);"
	// Custom roles. The four lists of patterns and the scopes, as they are to be shown, are separated by spaces.
	"CREATE TABLE role_definitions ("
	"  tenant_id TEXT NOT NULL REFERENCES tenants(id), id TEXT NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL,"
	"  description TEXT NOT NULL, actions TEXT NOT NULL, not_actions TEXT NOT NULL, data_actions TEXT NOT NULL,"
	"  not_data_actions TEXT NOT NULL, scopes TEXT NOT NULL, created BIGINT NOT NULL, created_by TEXT NOT NULL,"
	"  updated BIGINT NOT NULL, updated_by TEXT NOT NULL, PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, name_key));"
	// level is CanNotDelete or ReadOnly; owners is JSON.
	"CREATE TABLE management_locks ("
	"  id TEXT PRIMARY KEY, display_id TEXT NOT NULL, subscription_id TEXT NOT NULL, name TEXT NOT NULL,"
	"  scope TEXT NOT NULL, display_scope TEXT NOT NULL, level TEXT NOT NULL, notes TEXT, owners TEXT,"
	"  created BIGINT NOT NULL, created_by TEXT NOT NULL, updated BIGINT NOT NULL, updated_by TEXT NOT NULL);"
	"CREATE INDEX management_locks_by_subscription ON management_locks (subscription_id);";

// Recorded networks: who uses what.
static const char step_13[] =
	"CREATE TABLE network_holds ("
	"  user_id TEXT NOT NULL, held_id TEXT NOT NULL, PRIMARY KEY (user_id, held_id));"
	"CREATE INDEX network_holds_by_held ON network_holds (held_id);";

// Where the audit records of a vault go. seq numbers a vault's records in the order in which they became durable; what was
// there before has 0, behind every place in the log that a sink can have.
static const char step_14[] =
	"ALTER TABLE audit ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;"
	"DROP INDEX audit_by_vault;"
	"CREATE INDEX audit_by_vault ON audit (vault, seq);"
	"CREATE TABLE diagnostic_settings ("
	"  resource_id TEXT NOT NULL, name TEXT NOT NULL, display_name TEXT NOT NULL, vault TEXT NOT NULL, body TEXT NOT NULL,"
	"  created BIGINT NOT NULL, PRIMARY KEY (resource_id, name));"
	// kind is storage or webhook, target an account's name or a URL; position the last seq that was delivered, served (in ns)
	// the last attempt.
	"CREATE TABLE diagnostic_sinks ("
	"  resource_id TEXT NOT NULL, setting TEXT NOT NULL, kind TEXT NOT NULL, vault TEXT NOT NULL, target TEXT NOT NULL,"
	"  position BIGINT NOT NULL, next_try BIGINT NOT NULL, attempts BIGINT NOT NULL, failing_since BIGINT, last_error TEXT,"
	"  served BIGINT NOT NULL, PRIMARY KEY (resource_id, setting, kind),"
	"  FOREIGN KEY (resource_id, setting) REFERENCES diagnostic_settings(resource_id, name));"
	"CREATE INDEX diagnostic_sinks_by_kind ON diagnostic_sinks (kind, served);"
	"CREATE TABLE diagnostic_dead_letters ("
	"  id TEXT PRIMARY KEY, vault TEXT NOT NULL, resource_id TEXT NOT NULL, setting TEXT NOT NULL, kind TEXT NOT NULL,"
	"  first_seq BIGINT NOT NULL, last_seq BIGINT NOT NULL, error TEXT NOT NULL, created BIGINT NOT NULL);";

// Deployments. A run is one time that a template was deployed; times are nanoseconds, ended_ns NULL while it goes on. Templates
// and parameters are sealed, in chunks, as they may hold secrets.
static const char step_15[] =
	"CREATE TABLE deployments ("
	"  run TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, display_id TEXT NOT NULL, subscription_id TEXT NOT NULL,"
	"  resource_group TEXT NOT NULL, name TEXT NOT NULL, location TEXT NOT NULL, state TEXT NOT NULL, complete BIGINT NOT NULL,"
	"  cancel BIGINT NOT NULL, parent TEXT NOT NULL, depth BIGINT NOT NULL, correlation TEXT NOT NULL, details TEXT NOT NULL,"
	"  place TEXT NOT NULL, result TEXT, created_ns BIGINT NOT NULL, changed_ns BIGINT NOT NULL, ended_ns BIGINT);"
	"CREATE INDEX deployments_by_scope ON deployments (subscription_id, resource_group, created_ns);"
	"CREATE INDEX deployments_by_parent ON deployments (parent);"
	// ordinal is the place in the template's list of resources; async an operation that it waits for, or ''.
	"CREATE TABLE deployment_operations ("
	"  run TEXT NOT NULL REFERENCES deployments(run), ordinal BIGINT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,"
	"  target TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, depends TEXT NOT NULL, state TEXT NOT NULL,"
	"  async TEXT NOT NULL, tracking TEXT NOT NULL, started_ns BIGINT NOT NULL, ended_ns BIGINT NOT NULL,"
	"  status BIGINT NOT NULL, error TEXT, PRIMARY KEY (run, ordinal));"
	"CREATE TABLE deployment_sealed ("
	"  run TEXT NOT NULL REFERENCES deployments(run), part TEXT NOT NULL, ordinal BIGINT NOT NULL, sealed BYTEA NOT NULL,"
	"  PRIMARY KEY (run, part, ordinal));";

// Whoever has the first secret operates the instance, which is a right at the root of the first tenant. An index was made
// twice.
static const char step_16[] =
	"DROP INDEX resources_by_group;"
	"INSERT INTO role_assignments (tenant_id, id, display_id, name, scope, display_scope, principal_id, principal_type,"
	"  role_id, created, created_by, updated, updated_by)"
	"  SELECT p.tenant_id, '/providers/microsoft.authorization/roleassignments/' || p.object_id,"
	"  '/providers/Microsoft.Authorization/roleAssignments/' || p.object_id, p.object_id, '/', '/', p.object_id,"
	"  'ServicePrincipal', '8e3af657-a8ff-443c-a75c-2fe8c4bcb635', p.created, p.object_id, p.created, p.object_id"
	"  FROM service_principals p WHERE p.display_name = 'custodisk-bootstrap' AND p.kind = 'Application' AND EXISTS ("
	"  SELECT 1 FROM role_assignments a WHERE a.principal_id = p.object_id AND a.created_by = p.object_id"
	"  AND a.role_id = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635');";

// Signing in as a person. A pass is kept as a hash; a user has one at most.
static const char step_17[] =
	"CREATE TABLE temporary_passes ("
	"  id TEXT PRIMARY KEY, user_id TEXT NOT NULL UNIQUE, hash TEXT NOT NULL, created BIGINT NOT NULL,"
	"  starts BIGINT NOT NULL, minutes BIGINT NOT NULL, one_use BIGINT NOT NULL, used BIGINT NOT NULL);"
	"CREATE INDEX refresh_tokens_by_user ON refresh_tokens (user_id, client_id, created);"
	"CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires);"
	// Who stands above the tenants. Nobody could take this name before there was more than one principal to make others.
	"INSERT INTO settings (name, value) SELECT 'operator', object_id FROM service_principals"
	"  WHERE display_name = 'custodisk-bootstrap' AND kind = 'Application' LIMIT 1;";

const char *const schema_steps[] = {step_1, step_2, step_3, step_4, step_5, step_6, step_7, step_8, step_9, step_10,
	step_11, step_12, step_13, step_14, step_15, step_16, step_17};
const size_t schema_step_count = sizeof(schema_steps) / sizeof(schema_steps[0]);
