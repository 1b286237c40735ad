CREATE SETTINGS PROFILE OR REPLACE vedette_analyst_limits ON CLUSTER vedette SETTINGS
  readonly = 2,
  allow_ddl = 0 CONST,
  max_execution_time = 60 MIN 1 MAX 60,
  max_memory_usage = 2000000000 MIN 1 MAX 2000000000,
  max_rows_to_read = 2000000000 MIN 1 MAX 2000000000,
  max_result_rows = 1000000 MIN 1 MAX 1000000,
  max_concurrent_queries_for_user = 8 MIN 1 MAX 8,
  max_threads = 4 MIN 1 MAX 4,
  read_overflow_mode = 'throw' CONST,
  timeout_overflow_mode = 'throw' CONST,
  result_overflow_mode = 'throw' CONST,
  cancel_http_readonly_queries_on_client_close = 1;

CREATE ROLE IF NOT EXISTS vedette_analyst ON CLUSTER vedette;

ALTER ROLE vedette_analyst ON CLUSTER vedette SETTINGS PROFILE 'vedette_analyst_limits';

GRANT ON CLUSTER vedette SELECT ON blue_vedette.* TO vedette_analyst;

CREATE QUOTA OR REPLACE vedette_analyst_quota ON CLUSTER vedette KEYED BY user_name FOR INTERVAL 3600 SECOND MAX queries = 2000, read_rows = 20000000000, execution_time = 1800 TO vedette_analyst;

CREATE USER IF NOT EXISTS ada ON CLUSTER vedette IDENTIFIED WITH sha256_hash BY '0000000000000000000000000000000000000000000000000000000000000001' HOST IP '10.0.0.0/8';

GRANT ON CLUSTER vedette vedette_analyst TO ada;

ALTER USER ada ON CLUSTER vedette DEFAULT ROLE vedette_analyst;
