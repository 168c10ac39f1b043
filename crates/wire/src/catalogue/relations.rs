//! The tables of the catalogue and their columns, as PostgreSQL 15 has them, as far as tools ask for them.
//!
//! Types are written in one letter: `o` oid, `n` name, `c` "char", `s` int2, `i` int4, `l` int8, `f` float4, `b` boolean,
//! `t` text, `z` timestamptz, `a` text[], `v` int2[].

/// Schema, name, columns.
pub(super) type Described = (&'static str, &'static str, &'static str);

const PG: &str = super::PG_CATALOG;
const INFORMATION: &str = super::INFORMATION_SCHEMA;

/// Those that hold something.
pub(super) const FILLED: &[Described] = &[
    (PG, "pg_namespace", "oid:o nspname:n nspowner:o nspacl:a"),
    (
        PG,
        "pg_class",
        "oid:o relname:n relnamespace:o reltype:o reloftype:o relowner:o relam:o relfilenode:o reltablespace:o relpages:i \
         reltuples:f relallvisible:i reltoastrelid:o relhasindex:b relisshared:b relpersistence:c relkind:c relnatts:s \
         relchecks:s relhasrules:b relhastriggers:b relhassubclass:b relrowsecurity:b relforcerowsecurity:b \
         relispopulated:b relreplident:c relispartition:b relrewrite:o relfrozenxid:l relminmxid:l relacl:a reloptions:a \
         relpartbound:t relhasoids:b",
    ),
    (
        PG,
        "pg_attribute",
        "attrelid:o attname:n atttypid:o attstattarget:i attlen:s attnum:s attndims:i attcacheoff:i atttypmod:i attbyval:b \
         attalign:c attstorage:c attcompression:c attnotnull:b atthasdef:b atthasmissing:b attidentity:c attgenerated:c \
         attisdropped:b attislocal:b attinhcount:i attcollation:o attacl:a attoptions:a attfdwoptions:a",
    ),
    (
        PG,
        "pg_type",
        "oid:o typname:n typnamespace:o typowner:o typlen:s typbyval:b typtype:c typcategory:c typispreferred:b \
         typisdefined:b typdelim:c typrelid:o typsubscript:t typelem:o typarray:o typinput:t typoutput:t typreceive:t \
         typsend:t typmodin:t typmodout:t typanalyze:t typalign:c typstorage:c typnotnull:b typbasetype:o typtypmod:i \
         typndims:i typcollation:o typdefaultbin:t typdefault:t typacl:a",
    ),
    (
        PG,
        "pg_database",
        "oid:o datname:n datdba:o encoding:i datlocprovider:c datistemplate:b datallowconn:b datconnlimit:i datlastsysoid:o \
         datfrozenxid:l datminmxid:l dattablespace:o datcollate:t datctype:t daticulocale:t datcollversion:t datacl:a",
    ),
    (
        PG,
        "pg_roles",
        "oid:o rolname:n rolsuper:b rolinherit:b rolcreaterole:b rolcreatedb:b rolcanlogin:b rolreplication:b \
         rolconnlimit:i rolpassword:t rolvaliduntil:z rolbypassrls:b rolconfig:a",
    ),
    (
        PG,
        "pg_user",
        "usename:n usesysid:o usecreatedb:b usesuper:b userepl:b usebypassrls:b passwd:t valuntil:z useconfig:a",
    ),
    (PG, "pg_description", "objoid:o classoid:o objsubid:i description:t"),
    (
        PG,
        "pg_tables",
        "schemaname:n tablename:n tableowner:n tablespace:n hasindexes:b hasrules:b hastriggers:b rowsecurity:b",
    ),
    (PG, "pg_views", "schemaname:n viewname:n viewowner:n definition:t"),
    (PG, "pg_am", "oid:o amname:n amhandler:t amtype:c"),
    (PG, "pg_tablespace", "oid:o spcname:n spcowner:o spcacl:a spcoptions:a"),
    (
        PG,
        "pg_settings",
        "name:t setting:t unit:t category:t short_desc:t context:t vartype:t source:t min_val:t max_val:t enumvals:a boot_val:t reset_val:t pending_restart:b",
    ),
    (
        PG,
        "pg_stat_user_tables",
        "relid:o schemaname:n relname:n seq_scan:l seq_tup_read:l idx_scan:l n_tup_ins:l n_tup_upd:l n_tup_del:l n_live_tup:l \
         n_dead_tup:l last_vacuum:z last_autovacuum:z last_analyze:z last_autoanalyze:z",
    ),
    (
        INFORMATION,
        "tables",
        "table_catalog:n table_schema:n table_name:n table_type:t self_referencing_column_name:n reference_generation:t \
         user_defined_type_catalog:n user_defined_type_schema:n user_defined_type_name:n is_insertable_into:t is_typed:t \
         commit_action:t",
    ),
    (
        INFORMATION,
        "columns",
        "table_catalog:n table_schema:n table_name:n column_name:n ordinal_position:i column_default:t is_nullable:t data_type:t \
         character_maximum_length:i character_octet_length:i numeric_precision:i numeric_precision_radix:i numeric_scale:i \
         datetime_precision:i interval_type:t interval_precision:i character_set_catalog:n character_set_schema:n \
         character_set_name:n collation_catalog:n collation_schema:n collation_name:n domain_catalog:n domain_schema:n \
         domain_name:n udt_catalog:n udt_schema:n udt_name:n scope_catalog:n scope_schema:n scope_name:n \
         maximum_cardinality:i dtd_identifier:n is_self_referencing:t is_identity:t identity_generation:t identity_start:t \
         identity_increment:t identity_maximum:t identity_minimum:t identity_cycle:t is_generated:t generation_expression:t \
         is_updatable:t",
    ),
    (
        INFORMATION,
        "schemata",
        "catalog_name:n schema_name:n schema_owner:n default_character_set_catalog:n default_character_set_schema:n \
         default_character_set_name:n sql_path:t",
    ),
    (
        INFORMATION,
        "views",
        "table_catalog:n table_schema:n table_name:n view_definition:t check_option:t is_updatable:t is_insertable_into:t is_trigger_updatable:t is_trigger_deletable:t is_trigger_insertable_into:t",
    ),
    (INFORMATION, "information_schema_catalog_name", "catalog_name:n"),
];

/// Those of things that are not here: keys, triggers, functions of one's own, …
pub(super) const EMPTY: &[Described] = &[
    (PG, "pg_aggregate", "aggfnoid:o aggkind:c aggnumdirectargs:s aggtranstype:o"),
    (PG, "pg_attrdef", "oid:o adrelid:o adnum:s adbin:t adsrc:t"),
    (PG, "pg_auth_members", "roleid:o member:o grantor:o admin_option:b"),
    (PG, "pg_available_extensions", "name:n default_version:t installed_version:t comment:t"),
    (PG, "pg_cast", "oid:o castsource:o casttarget:o castfunc:o castcontext:c castmethod:c"),
    (
        PG,
        "pg_collation",
        "oid:o collname:n collnamespace:o collowner:o collprovider:c collisdeterministic:b collencoding:i collcollate:t collctype:t colliculocale:t collversion:t",
    ),
    (
        PG,
        "pg_constraint",
        "oid:o conname:n connamespace:o contype:c condeferrable:b condeferred:b convalidated:b conrelid:o contypid:o conindid:o \
         conparentid:o confrelid:o confupdtype:c confdeltype:c confmatchtype:c conislocal:b coninhcount:i connoinherit:b \
         conkey:v confkey:v conpfeqop:v conppeqop:v conffeqop:v confdelsetcols:v conexclop:v conbin:t consrc:t",
    ),
    (
        PG,
        "pg_conversion",
        "oid:o conname:n connamespace:o conowner:o conforencoding:i contoencoding:i conproc:o condefault:b",
    ),
    (PG, "pg_cursors", "name:t statement:t is_holdable:b is_binary:b is_scrollable:b creation_time:z"),
    (PG, "pg_db_role_setting", "setdatabase:o setrole:o setconfig:a"),
    (PG, "pg_default_acl", "oid:o defaclrole:o defaclnamespace:o defaclobjtype:c defaclacl:a"),
    (PG, "pg_depend", "classid:o objid:o objsubid:i refclassid:o refobjid:o refobjsubid:i deptype:c"),
    (PG, "pg_enum", "oid:o enumtypid:o enumsortorder:f enumlabel:n"),
    (PG, "pg_event_trigger", "oid:o evtname:n evtevent:n evtowner:o evtfoid:o evtenabled:c evttags:a"),
    (
        PG,
        "pg_extension",
        "oid:o extname:n extowner:o extnamespace:o extrelocatable:b extversion:t extconfig:v extcondition:a",
    ),
    (PG, "pg_foreign_data_wrapper", "oid:o fdwname:n fdwowner:o fdwhandler:o fdwvalidator:o fdwacl:a fdwoptions:a"),
    (PG, "pg_foreign_server", "oid:o srvname:n srvowner:o srvfdw:o srvtype:t srvversion:t srvacl:a srvoptions:a"),
    (PG, "pg_foreign_table", "ftrelid:o ftserver:o ftoptions:a"),
    (
        PG,
        "pg_index",
        "indexrelid:o indrelid:o indnatts:s indnkeyatts:s indisunique:b indnullsnotdistinct:b indisprimary:b indisexclusion:b \
         indimmediate:b indisclustered:b indisvalid:b indcheckxmin:b indisready:b indislive:b indisreplident:b indkey:v \
         indcollation:v indclass:v indoption:v indexprs:t indpred:t",
    ),
    (PG, "pg_indexes", "schemaname:n tablename:n indexname:n tablespace:n indexdef:t"),
    (PG, "pg_inherits", "inhrelid:o inhparent:o inhseqno:i inhdetachpending:b"),
    (
        PG,
        "pg_language",
        "oid:o lanname:n lanowner:o lanispl:b lanpltrusted:b lanplcallfoid:o laninline:o lanvalidator:o lanacl:a",
    ),
    (PG, "pg_locks", "locktype:t database:o relation:o pid:i mode:t granted:b"),
    (
        PG,
        "pg_matviews",
        "schemaname:n matviewname:n matviewowner:n tablespace:n hasindexes:b ispopulated:b definition:t",
    ),
    (
        PG,
        "pg_opclass",
        "oid:o opcmethod:o opcname:n opcnamespace:o opcowner:o opcfamily:o opcintype:o opcdefault:b opckeytype:o",
    ),
    (
        PG,
        "pg_operator",
        "oid:o oprname:n oprnamespace:o oprowner:o oprkind:c oprleft:o oprright:o oprresult:o oprcode:o",
    ),
    (PG, "pg_opfamily", "oid:o opfmethod:o opfname:n opfnamespace:o opfowner:o"),
    (PG, "pg_partitioned_table", "partrelid:o partstrat:c partnatts:s partdefid:o partattrs:v partexprs:t"),
    (PG, "pg_policies", "schemaname:n tablename:n policyname:n permissive:t roles:a cmd:t qual:t with_check:t"),
    (PG, "pg_policy", "oid:o polname:n polrelid:o polcmd:c polpermissive:b polroles:v polqual:t polwithcheck:t"),
    (PG, "pg_prepared_statements", "name:t statement:t prepare_time:z parameter_types:a from_sql:b"),
    (
        PG,
        "pg_proc",
        "oid:o proname:n pronamespace:o proowner:o prolang:o procost:f prorows:f provariadic:o prokind:c prosecdef:b \
         proleakproof:b proisstrict:b proretset:b provolatile:c proparallel:c pronargs:s pronargdefaults:s prorettype:o \
         proargtypes:v proallargtypes:v proargmodes:a proargnames:a proargdefaults:t prosrc:t probin:t proconfig:a proacl:a \
         proisagg:b proiswindow:b",
    ),
    (
        PG,
        "pg_publication",
        "oid:o pubname:n pubowner:o puballtables:b pubinsert:b pubupdate:b pubdelete:b pubtruncate:b pubviaroot:b",
    ),
    (PG, "pg_publication_namespace", "oid:o pnpubid:o pnnspid:o"),
    (PG, "pg_publication_rel", "oid:o prpubid:o prrelid:o prqual:t prattrs:v"),
    (PG, "pg_range", "rngtypid:o rngsubtype:o rngmultitypid:o rngcollation:o rngsubopc:o rngcanonical:o rngsubdiff:o"),
    (PG, "pg_rewrite", "oid:o rulename:n ev_class:o ev_type:c ev_enabled:c is_instead:b ev_qual:t ev_action:t"),
    (PG, "pg_rules", "schemaname:n tablename:n rulename:n definition:t"),
    (PG, "pg_seclabels", "objoid:o classoid:o objsubid:i objtype:t objnamespace:o objname:t provider:t label:t"),
    (PG, "pg_sequence", "seqrelid:o seqtypid:o seqstart:l seqincrement:l seqmax:l seqmin:l seqcache:l seqcycle:b"),
    (
        PG,
        "pg_sequences",
        "schemaname:n sequencename:n sequenceowner:n data_type:t start_value:l min_value:l max_value:l increment_by:l cycle:b cache_size:l last_value:l",
    ),
    (PG, "pg_shdepend", "dbid:o classid:o objid:o objsubid:i refclassid:o refobjid:o deptype:c"),
    (PG, "pg_shdescription", "objoid:o classoid:o description:t"),
    (
        PG,
        "pg_stat_activity",
        "datid:o datname:n pid:i usesysid:o usename:n application_name:t client_addr:t client_port:i backend_start:z xact_start:z \
         query_start:z state_change:z wait_event_type:t wait_event:t state:t query:t backend_type:t",
    ),
    (PG, "pg_statistic", "starelid:o staattnum:s stainherit:b stanullfrac:f stawidth:i stadistinct:f"),
    (
        PG,
        "pg_statistic_ext",
        "oid:o stxrelid:o stxname:n stxnamespace:o stxowner:o stxstattarget:i stxkeys:v stxkind:a stxexprs:t",
    ),
    (PG, "pg_stats", "schemaname:n tablename:n attname:n inherited:b null_frac:f avg_width:i n_distinct:f"),
    (
        PG,
        "pg_subscription",
        "oid:o subdbid:o subname:n subowner:o subenabled:b subconninfo:t subslotname:n subpublications:a",
    ),
    (
        PG,
        "pg_trigger",
        "oid:o tgrelid:o tgparentid:o tgname:n tgfoid:o tgtype:s tgenabled:c tgisinternal:b tgconstrrelid:o tgconstrindid:o \
         tgconstraint:o tgdeferrable:b tginitdeferred:b tgnargs:s tgattr:v tgqual:t tgoldtable:n tgnewtable:n",
    ),
    (PG, "pg_ts_config", "oid:o cfgname:n cfgnamespace:o cfgowner:o cfgparser:o"),
    (PG, "pg_ts_dict", "oid:o dictname:n dictnamespace:o dictowner:o dicttemplate:o dictinitoption:t"),
    (PG, "pg_user_mapping", "oid:o umuser:o umserver:o umoptions:a"),
    (INFORMATION, "check_constraints", "constraint_catalog:n constraint_schema:n constraint_name:n check_clause:t"),
    (
        INFORMATION,
        "column_privileges",
        "grantor:n grantee:n table_catalog:n table_schema:n table_name:n column_name:n privilege_type:t is_grantable:t",
    ),
    (
        INFORMATION,
        "constraint_column_usage",
        "table_catalog:n table_schema:n table_name:n column_name:n constraint_catalog:n constraint_schema:n constraint_name:n",
    ),
    (
        INFORMATION,
        "constraint_table_usage",
        "table_catalog:n table_schema:n table_name:n constraint_catalog:n constraint_schema:n constraint_name:n",
    ),
    (
        INFORMATION,
        "key_column_usage",
        "constraint_catalog:n constraint_schema:n constraint_name:n table_catalog:n table_schema:n table_name:n column_name:n ordinal_position:i position_in_unique_constraint:i",
    ),
    (
        INFORMATION,
        "parameters",
        "specific_catalog:n specific_schema:n specific_name:n ordinal_position:i parameter_mode:t parameter_name:n data_type:t",
    ),
    (
        INFORMATION,
        "referential_constraints",
        "constraint_catalog:n constraint_schema:n constraint_name:n unique_constraint_catalog:n unique_constraint_schema:n unique_constraint_name:n match_option:t update_rule:t delete_rule:t",
    ),
    (
        INFORMATION,
        "role_table_grants",
        "grantor:n grantee:n table_catalog:n table_schema:n table_name:n privilege_type:t is_grantable:t with_hierarchy:t",
    ),
    (
        INFORMATION,
        "routines",
        "specific_catalog:n specific_schema:n specific_name:n routine_catalog:n routine_schema:n routine_name:n routine_type:t data_type:t routine_definition:t",
    ),
    (
        INFORMATION,
        "sequences",
        "sequence_catalog:n sequence_schema:n sequence_name:n data_type:t start_value:t minimum_value:t maximum_value:t increment:t cycle_option:t",
    ),
    (
        INFORMATION,
        "table_constraints",
        "constraint_catalog:n constraint_schema:n constraint_name:n table_catalog:n table_schema:n table_name:n constraint_type:t is_deferrable:t initially_deferred:t enforced:t nulls_distinct:t",
    ),
    (
        INFORMATION,
        "table_privileges",
        "grantor:n grantee:n table_catalog:n table_schema:n table_name:n privilege_type:t is_grantable:t with_hierarchy:t",
    ),
    (
        INFORMATION,
        "triggers",
        "trigger_catalog:n trigger_schema:n trigger_name:n event_manipulation:t event_object_catalog:n event_object_schema:n event_object_table:n action_statement:t action_timing:t",
    ),
];

/// Whether a table of the catalogue never holds anything; `name` without its schema.
pub(super) fn is_empty(name: &str) -> bool {
    EMPTY.iter().any(|(_, empty, _)| *empty == name)
}

/// PostgreSQL's numbers of its own tables, which queries name as `'pg_class'::regclass`.
pub(super) fn oid(name: &str) -> Option<u32> {
    Some(match name {
        "pg_attrdef" => 2604,
        "pg_attribute" => 1249,
        "pg_class" => 1259,
        "pg_constraint" => 2606,
        "pg_database" => 1262,
        "pg_description" => 2609,
        "pg_extension" => 3079,
        "pg_namespace" => 2615,
        "pg_proc" => 1255,
        "pg_rewrite" => 2618,
        "pg_roles" => 12_000,
        "pg_trigger" => 2620,
        "pg_type" => 1247,
        name => {
            let known = FILLED.iter().chain(EMPTY).position(|(_, known, _)| *known == name)?;
            12_100 + u32::try_from(known).unwrap_or(0)
        }
    })
}
