CREATE DATABASE IF NOT EXISTS vedette_store ON CLUSTER vedette ENGINE = Atomic;

CREATE DATABASE IF NOT EXISTS vedette ON CLUSTER vedette ENGINE = Atomic;

CREATE TABLE IF NOT EXISTS vedette_store.schema_migrations_local ON CLUSTER vedette (
  id UInt32, name String, checksum String, applied_time DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = ReplacingMergeTree ORDER BY id;

CREATE TABLE IF NOT EXISTS vedette_store.schema_migrations ON CLUSTER vedette AS vedette_store.schema_migrations_local
ENGINE = Distributed(vedette, vedette_store, schema_migrations_local, id);

CREATE TABLE IF NOT EXISTS vedette_store.events_local ON CLUSTER vedette (
  class Enum8('generic' = 0, 'network' = 1, 'dns' = 2, 'http' = 3, 'tls' = 4, 'reading' = 5) CODEC(LZ4),
  log LowCardinality(String) CODEC(LZ4),
  time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
  start_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
  received_time DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
  late UInt8 CODEC(LZ4),
  src_ip IPv6 CODEC(LZ4),
  src_port UInt16 CODEC(LZ4),
  dst_ip IPv6 CODEC(LZ4),
  dst_port UInt16 CODEC(LZ4),
  direction Enum8('unknown' = 0, 'inbound' = 1, 'outbound' = 2, 'lateral' = 3, 'external' = 4) CODEC(LZ4),
  proto UInt8 CODEC(LZ4),
  conn_state Enum8('' = 0, 'S0' = 1, 'S1' = 2, 'SF' = 3, 'REJ' = 4, 'S2' = 5, 'S3' = 6, 'RSTO' = 7, 'RSTR' = 8, 'RSTOS0' = 9, 'RSTRH' = 10, 'SH' = 11, 'SHR' = 12, 'OTH' = 13) CODEC(LZ4),
  bytes_out UInt64 CODEC(LZ4),
  bytes_in UInt64 CODEC(LZ4),
  packets_out UInt64 CODEC(LZ4),
  packets_in UInt64 CODEC(LZ4),
  session_uid String CODEC(ZSTD(1)),
  service LowCardinality(String) CODEC(LZ4),
  history LowCardinality(String) CODEC(LZ4),
  dns_query String CODEC(ZSTD(1)),
  dns_type LowCardinality(String) CODEC(LZ4),
  dns_rcode LowCardinality(String) CODEC(LZ4),
  http_method LowCardinality(String) CODEC(LZ4),
  http_host String CODEC(ZSTD(1)),
  http_path String CODEC(ZSTD(1)),
  http_status UInt16 CODEC(LZ4),
  tls_name String CODEC(ZSTD(1)),
  device LowCardinality(String) CODEC(LZ4),
  metric LowCardinality(String) CODEC(LZ4),
  value Float64 CODEC(LZ4),
  unit LowCardinality(String) CODEC(LZ4),
  sensor LowCardinality(String) CODEC(LZ4),
  site LowCardinality(String) CODEC(LZ4),
  src_group LowCardinality(String) CODEC(LZ4),
  dst_group LowCardinality(String) CODEC(LZ4),
  raw String CODEC(ZSTD(1)),
  _src LowCardinality(String) CODEC(LZ4),
  _pos UInt64 CODEC(Delta, ZSTD(1)),
  _part UInt16 CODEC(LZ4),
  _off UInt64 CODEC(Delta, ZSTD(1)),
  _stored DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))
) ENGINE = MergeTree
PARTITION BY toDate(time)
ORDER BY time
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1, min_bytes_for_wide_part = 268435456, max_bytes_to_merge_at_max_space_in_pool = 33554432, min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1, parts_to_delay_insert = 3000, parts_to_throw_insert = 6000;

CREATE TABLE IF NOT EXISTS vedette_store.events ON CLUSTER vedette AS vedette_store.events_local
ENGINE = Distributed(vedette, vedette_store, events_local, cityHash64(if(direction = 'inbound', dst_ip, src_ip), device));

CREATE TABLE IF NOT EXISTS vedette_store.net_1m_local ON CLUSTER vedette (
  endpoint IPv6,
  direction Enum8('unknown' = 0, 'inbound' = 1, 'outbound' = 2, 'lateral' = 3, 'external' = 4),
  time DateTime('UTC') CODEC(Delta, ZSTD(1)),
  flows SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  bytes_out SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  bytes_in SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  packets_out SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  packets_in SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  failed SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  late SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  _stored SimpleAggregateFunction(max, DateTime('UTC')) DEFAULT now() CODEC(Delta, ZSTD(1))
) ENGINE = AggregatingMergeTree
PARTITION BY toMonday(time)
ORDER BY (endpoint, direction, time)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS vedette_store.net_1m ON CLUSTER vedette AS vedette_store.net_1m_local
ENGINE = Distributed(vedette, vedette_store, net_1m_local, cityHash64(endpoint));

CREATE MATERIALIZED VIEW IF NOT EXISTS vedette_store.net_1m_mv ON CLUSTER vedette TO vedette_store.net_1m_local AS
SELECT if(direction = 'inbound', event.dst_ip, event.src_ip) AS endpoint, direction, toStartOfMinute(event.time) AS time, count() AS flows,
  sum(if(direction = 'inbound', event.bytes_in, event.bytes_out)) AS bytes_out,
  sum(if(direction = 'inbound', event.bytes_out, event.bytes_in)) AS bytes_in,
  sum(if(direction = 'inbound', event.packets_in, event.packets_out)) AS packets_out,
  sum(if(direction = 'inbound', event.packets_out, event.packets_in)) AS packets_in,
  countIf(conn_state IN ('S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR')) AS failed, sum(event.late) AS late, max(event._stored) AS _stored
FROM vedette_store.events_local AS event WHERE class = 'network'
GROUP BY endpoint, direction, toStartOfMinute(event.time);

CREATE MATERIALIZED VIEW IF NOT EXISTS vedette_store.net_1m_lateral_mv ON CLUSTER vedette TO vedette_store.net_1m_local AS
SELECT event.dst_ip AS endpoint, direction, toStartOfMinute(event.time) AS time, count() AS flows,
  sum(event.bytes_in) AS bytes_out,
  sum(event.bytes_out) AS bytes_in,
  sum(event.packets_in) AS packets_out,
  sum(event.packets_out) AS packets_in,
  countIf(conn_state IN ('S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR')) AS failed, sum(event.late) AS late, max(event._stored) AS _stored
FROM vedette_store.events_local AS event WHERE class = 'network' AND direction = 'lateral'
GROUP BY endpoint, direction, toStartOfMinute(event.time);

CREATE TABLE IF NOT EXISTS vedette_store.net_5m_local ON CLUSTER vedette (
  endpoint IPv6,
  direction Enum8('unknown' = 0, 'inbound' = 1, 'outbound' = 2, 'lateral' = 3, 'external' = 4),
  time DateTime('UTC') CODEC(Delta, ZSTD(1)),
  flows SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  bytes_out SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  bytes_in SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  packets_out SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  packets_in SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  failed SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  late SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  _stored SimpleAggregateFunction(max, DateTime('UTC')) DEFAULT now() CODEC(Delta, ZSTD(1))
) ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (endpoint, direction, time)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS vedette_store.net_5m ON CLUSTER vedette AS vedette_store.net_5m_local
ENGINE = Distributed(vedette, vedette_store, net_5m_local, cityHash64(endpoint));

CREATE MATERIALIZED VIEW IF NOT EXISTS vedette_store.net_5m_mv ON CLUSTER vedette TO vedette_store.net_5m_local AS
SELECT endpoint, direction, toStartOfFiveMinutes(finer.time) AS time,
  sum(finer.flows) AS flows, sum(finer.bytes_out) AS bytes_out, sum(finer.bytes_in) AS bytes_in, sum(finer.packets_out) AS packets_out, sum(finer.packets_in) AS packets_in, sum(finer.failed) AS failed, sum(finer.late) AS late, max(finer._stored) AS _stored
FROM vedette_store.net_1m_local AS finer
GROUP BY endpoint, direction, toStartOfFiveMinutes(finer.time);

CREATE TABLE IF NOT EXISTS vedette_store.net_1h_local ON CLUSTER vedette (
  endpoint IPv6,
  direction Enum8('unknown' = 0, 'inbound' = 1, 'outbound' = 2, 'lateral' = 3, 'external' = 4),
  time DateTime('UTC') CODEC(Delta, ZSTD(1)),
  flows SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  bytes_out SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  bytes_in SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  packets_out SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  packets_in SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  failed SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  late SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  _stored SimpleAggregateFunction(max, DateTime('UTC')) DEFAULT now() CODEC(Delta, ZSTD(1))
) ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (endpoint, direction, time)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS vedette_store.net_1h ON CLUSTER vedette AS vedette_store.net_1h_local
ENGINE = Distributed(vedette, vedette_store, net_1h_local, cityHash64(endpoint));

CREATE MATERIALIZED VIEW IF NOT EXISTS vedette_store.net_1h_mv ON CLUSTER vedette TO vedette_store.net_1h_local AS
SELECT endpoint, direction, toStartOfHour(finer.time) AS time,
  sum(finer.flows) AS flows, sum(finer.bytes_out) AS bytes_out, sum(finer.bytes_in) AS bytes_in, sum(finer.packets_out) AS packets_out, sum(finer.packets_in) AS packets_in, sum(finer.failed) AS failed, sum(finer.late) AS late, max(finer._stored) AS _stored
FROM vedette_store.net_5m_local AS finer
GROUP BY endpoint, direction, toStartOfHour(finer.time);

CREATE TABLE IF NOT EXISTS vedette_store.device_1m_local ON CLUSTER vedette (
  device LowCardinality(String),
  metric LowCardinality(String),
  time DateTime('UTC') CODEC(Delta, ZSTD(1)),
  n SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  sum SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
  sum_squares SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
  min SimpleAggregateFunction(min, Float64) CODEC(ZSTD(1)),
  max SimpleAggregateFunction(max, Float64) CODEC(ZSTD(1)),
  last SimpleAggregateFunction(max, Tuple(DateTime64(3, 'UTC'), Float64)) CODEC(ZSTD(1)),
  late SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  _stored SimpleAggregateFunction(max, DateTime('UTC')) DEFAULT now() CODEC(Delta, ZSTD(1))
) ENGINE = AggregatingMergeTree
PARTITION BY toMonday(time)
ORDER BY (device, metric, time)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS vedette_store.device_1m ON CLUSTER vedette AS vedette_store.device_1m_local
ENGINE = Distributed(vedette, vedette_store, device_1m_local, cityHash64(device, metric));

CREATE MATERIALIZED VIEW IF NOT EXISTS vedette_store.device_1m_mv ON CLUSTER vedette TO vedette_store.device_1m_local AS
SELECT device, metric, toStartOfMinute(event.time) AS time, count() AS n, sum(event.value) AS sum,
  sum(event.value * event.value) AS sum_squares, min(event.value) AS min, max(event.value) AS max,
  max((event.time, event.value)) AS last, sum(event.late) AS late, max(event._stored) AS _stored
FROM vedette_store.events_local AS event WHERE class = 'reading'
GROUP BY device, metric, toStartOfMinute(event.time);

CREATE TABLE IF NOT EXISTS vedette_store.device_5m_local ON CLUSTER vedette (
  device LowCardinality(String),
  metric LowCardinality(String),
  time DateTime('UTC') CODEC(Delta, ZSTD(1)),
  n SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  sum SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
  sum_squares SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
  min SimpleAggregateFunction(min, Float64) CODEC(ZSTD(1)),
  max SimpleAggregateFunction(max, Float64) CODEC(ZSTD(1)),
  last SimpleAggregateFunction(max, Tuple(DateTime64(3, 'UTC'), Float64)) CODEC(ZSTD(1)),
  late SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  _stored SimpleAggregateFunction(max, DateTime('UTC')) DEFAULT now() CODEC(Delta, ZSTD(1))
) ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (device, metric, time)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS vedette_store.device_5m ON CLUSTER vedette AS vedette_store.device_5m_local
ENGINE = Distributed(vedette, vedette_store, device_5m_local, cityHash64(device, metric));

CREATE MATERIALIZED VIEW IF NOT EXISTS vedette_store.device_5m_mv ON CLUSTER vedette TO vedette_store.device_5m_local AS
SELECT device, metric, toStartOfFiveMinutes(finer.time) AS time,
  sum(finer.n) AS n, sum(finer.sum) AS sum, sum(finer.sum_squares) AS sum_squares, min(finer.min) AS min, max(finer.max) AS max, max(finer.last) AS last, sum(finer.late) AS late, max(finer._stored) AS _stored
FROM vedette_store.device_1m_local AS finer
GROUP BY device, metric, toStartOfFiveMinutes(finer.time);

CREATE TABLE IF NOT EXISTS vedette_store.device_1h_local ON CLUSTER vedette (
  device LowCardinality(String),
  metric LowCardinality(String),
  time DateTime('UTC') CODEC(Delta, ZSTD(1)),
  n SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  sum SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
  sum_squares SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
  min SimpleAggregateFunction(min, Float64) CODEC(ZSTD(1)),
  max SimpleAggregateFunction(max, Float64) CODEC(ZSTD(1)),
  last SimpleAggregateFunction(max, Tuple(DateTime64(3, 'UTC'), Float64)) CODEC(ZSTD(1)),
  late SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  _stored SimpleAggregateFunction(max, DateTime('UTC')) DEFAULT now() CODEC(Delta, ZSTD(1))
) ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (device, metric, time)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS vedette_store.device_1h ON CLUSTER vedette AS vedette_store.device_1h_local
ENGINE = Distributed(vedette, vedette_store, device_1h_local, cityHash64(device, metric));

CREATE MATERIALIZED VIEW IF NOT EXISTS vedette_store.device_1h_mv ON CLUSTER vedette TO vedette_store.device_1h_local AS
SELECT device, metric, toStartOfHour(finer.time) AS time,
  sum(finer.n) AS n, sum(finer.sum) AS sum, sum(finer.sum_squares) AS sum_squares, min(finer.min) AS min, max(finer.max) AS max, max(finer.last) AS last, sum(finer.late) AS late, max(finer._stored) AS _stored
FROM vedette_store.device_5m_local AS finer
GROUP BY device, metric, toStartOfHour(finer.time);

CREATE TABLE IF NOT EXISTS vedette_store.host_features_1m_local ON CLUSTER vedette (
  host IPv6,
  time DateTime('UTC'),
  flows UInt64 CODEC(ZSTD(1)),
  failed UInt64 CODEC(ZSTD(1)),
  bytes_out UInt64 CODEC(ZSTD(1)),
  bytes_in UInt64 CODEC(ZSTD(1)),
  packets_out UInt64 CODEC(ZSTD(1)),
  packets_in UInt64 CODEC(ZSTD(1)),
  dns_queries UInt64 CODEC(ZSTD(1)),
  nxdomain UInt64 CODEC(ZSTD(1)),
  new_destinations UInt64 CODEC(ZSTD(1)),
  outside_bytes_out UInt64 CODEC(ZSTD(1)),
  outside_bytes_in UInt64 CODEC(ZSTD(1)),
  largest_flow_out UInt64 CODEC(ZSTD(1)),
  distinct_destinations UInt64 CODEC(ZSTD(1)),
  distinct_ports UInt64 CODEC(ZSTD(1)),
  _part UInt16 CODEC(LZ4),
  _off UInt64 CODEC(Delta, LZ4),
  _stored DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY toMonday(time)
ORDER BY (host, time)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS vedette_store.host_features_1m ON CLUSTER vedette AS vedette_store.host_features_1m_local
ENGINE = Distributed(vedette, vedette_store, host_features_1m_local, cityHash64(host));

CREATE TABLE IF NOT EXISTS vedette_store.host_features_5m_local ON CLUSTER vedette (
  host IPv6,
  time DateTime('UTC'),
  flows UInt64 CODEC(ZSTD(1)),
  failed UInt64 CODEC(ZSTD(1)),
  bytes_out UInt64 CODEC(ZSTD(1)),
  bytes_in UInt64 CODEC(ZSTD(1)),
  packets_out UInt64 CODEC(ZSTD(1)),
  packets_in UInt64 CODEC(ZSTD(1)),
  dns_queries UInt64 CODEC(ZSTD(1)),
  nxdomain UInt64 CODEC(ZSTD(1)),
  new_destinations UInt64 CODEC(ZSTD(1)),
  outside_bytes_out UInt64 CODEC(ZSTD(1)),
  outside_bytes_in UInt64 CODEC(ZSTD(1)),
  largest_flow_out UInt64 CODEC(ZSTD(1)),
  distinct_destinations UInt64 CODEC(ZSTD(1)),
  distinct_ports UInt64 CODEC(ZSTD(1)),
  _part UInt16 CODEC(LZ4),
  _off UInt64 CODEC(Delta, LZ4),
  _stored DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY toMonday(time)
ORDER BY (host, time)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS vedette_store.host_features_5m ON CLUSTER vedette AS vedette_store.host_features_5m_local
ENGINE = Distributed(vedette, vedette_store, host_features_5m_local, cityHash64(host));

CREATE TABLE IF NOT EXISTS vedette_store.host_features_1h_local ON CLUSTER vedette (
  host IPv6,
  time DateTime('UTC'),
  flows UInt64 CODEC(ZSTD(1)),
  failed UInt64 CODEC(ZSTD(1)),
  bytes_out UInt64 CODEC(ZSTD(1)),
  bytes_in UInt64 CODEC(ZSTD(1)),
  packets_out UInt64 CODEC(ZSTD(1)),
  packets_in UInt64 CODEC(ZSTD(1)),
  dns_queries UInt64 CODEC(ZSTD(1)),
  nxdomain UInt64 CODEC(ZSTD(1)),
  new_destinations UInt64 CODEC(ZSTD(1)),
  outside_bytes_out UInt64 CODEC(ZSTD(1)),
  outside_bytes_in UInt64 CODEC(ZSTD(1)),
  largest_flow_out UInt64 CODEC(ZSTD(1)),
  distinct_destinations UInt64 CODEC(ZSTD(1)),
  distinct_ports UInt64 CODEC(ZSTD(1)),
  _part UInt16 CODEC(LZ4),
  _off UInt64 CODEC(Delta, LZ4),
  _stored DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (host, time)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS vedette_store.host_features_1h ON CLUSTER vedette AS vedette_store.host_features_1h_local
ENGINE = Distributed(vedette, vedette_store, host_features_1h_local, cityHash64(host));

CREATE TABLE IF NOT EXISTS vedette_store.reading_features_1m_local ON CLUSTER vedette (
  device LowCardinality(String),
  metric LowCardinality(String),
  time DateTime('UTC'),
  n Float64 CODEC(ZSTD(1)),
  mean Float64 CODEC(ZSTD(1)),
  min Float64 CODEC(ZSTD(1)),
  max Float64 CODEC(ZSTD(1)),
  sd Float64 CODEC(ZSTD(1)),
  last Float64 CODEC(ZSTD(1)),
  longest_gap_ms Float64 CODEC(ZSTD(1)),
  _part UInt16 CODEC(LZ4),
  _off UInt64 CODEC(Delta, LZ4),
  _stored DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY toMonday(time)
ORDER BY (device, metric, time)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS vedette_store.reading_features_1m ON CLUSTER vedette AS vedette_store.reading_features_1m_local
ENGINE = Distributed(vedette, vedette_store, reading_features_1m_local, cityHash64(device, metric));

CREATE TABLE IF NOT EXISTS vedette_store.target_features_pane_local ON CLUSTER vedette (
  target IPv6,
  time DateTime('UTC'),
  flows UInt64 CODEC(ZSTD(1)),
  packets UInt64 CODEC(ZSTD(1)),
  bytes UInt64 CODEC(ZSTD(1)),
  syn_only UInt64 CODEC(ZSTD(1)),
  sources UInt64 CODEC(ZSTD(1)),
  _part UInt16 CODEC(LZ4),
  _off UInt64 CODEC(Delta, LZ4),
  _stored DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY toDate(time)
ORDER BY (target, time)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS vedette_store.target_features_pane ON CLUSTER vedette AS vedette_store.target_features_pane_local
ENGINE = Distributed(vedette, vedette_store, target_features_pane_local, cityHash64(target));

CREATE TABLE IF NOT EXISTS vedette_store.alerts_local ON CLUSTER vedette (
  uid String,
  version UInt32,
  time DateTime64(3, 'UTC'),
  status LowCardinality(String),
  family LowCardinality(String),
  detector LowCardinality(String),
  entity String,
  entity_kind LowCardinality(String),
  severity UInt8,
  confidence Float64,
  first_seen DateTime64(3, 'UTC'),
  last_seen DateTime64(3, 'UTC'),
  title String,
  finding String CODEC(ZSTD(1)),
  _part UInt16 CODEC(LZ4),
  _off UInt64 CODEC(Delta, LZ4),
  _stored DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))
) ENGINE = MergeTree
ORDER BY (uid, version)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS vedette_store.alerts ON CLUSTER vedette AS vedette_store.alerts_local
ENGINE = Distributed(vedette, vedette_store, alerts_local, cityHash64(uid));

ALTER TABLE vedette_store.events_local ON CLUSTER vedette MODIFY SETTING non_replicated_deduplication_window = 10000;

ALTER TABLE vedette_store.net_1m_local ON CLUSTER vedette MODIFY SETTING non_replicated_deduplication_window = 10000;

ALTER TABLE vedette_store.net_5m_local ON CLUSTER vedette MODIFY SETTING non_replicated_deduplication_window = 10000;

ALTER TABLE vedette_store.net_1h_local ON CLUSTER vedette MODIFY SETTING non_replicated_deduplication_window = 10000;

ALTER TABLE vedette_store.device_1m_local ON CLUSTER vedette MODIFY SETTING non_replicated_deduplication_window = 10000;

ALTER TABLE vedette_store.device_5m_local ON CLUSTER vedette MODIFY SETTING non_replicated_deduplication_window = 10000;

ALTER TABLE vedette_store.device_1h_local ON CLUSTER vedette MODIFY SETTING non_replicated_deduplication_window = 10000;

ALTER TABLE vedette_store.host_features_1m_local ON CLUSTER vedette MODIFY SETTING non_replicated_deduplication_window = 10000;

ALTER TABLE vedette_store.host_features_5m_local ON CLUSTER vedette MODIFY SETTING non_replicated_deduplication_window = 10000;

ALTER TABLE vedette_store.host_features_1h_local ON CLUSTER vedette MODIFY SETTING non_replicated_deduplication_window = 10000;

ALTER TABLE vedette_store.reading_features_1m_local ON CLUSTER vedette MODIFY SETTING non_replicated_deduplication_window = 10000;

ALTER TABLE vedette_store.target_features_pane_local ON CLUSTER vedette MODIFY SETTING non_replicated_deduplication_window = 10000;

ALTER TABLE vedette_store.alerts_local ON CLUSTER vedette MODIFY SETTING non_replicated_deduplication_window = 10000;

CREATE OR REPLACE VIEW vedette.events ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT class, log, time, start_time, received_time, late, src_ip, src_port, dst_ip, dst_port, direction, proto, conn_state, bytes_out, bytes_in, packets_out, packets_in, session_uid, service, history, dns_query, dns_type, dns_rcode, http_method, http_host, http_path, http_status, tls_name, device, metric, value, unit, sensor, site, src_group, dst_group, raw, _src, _pos, _part, _off,
  caseWithExpression(toString(class), 'generic', 0, 'network', 4001, 'dns', 4003, 'http', 4002, 'tls', 4001, 'reading', 0, 0) AS class_uid, transform(proto, [1, 2, 6, 17, 41, 47, 50, 58, 89, 132], ['icmp', 'igmp', 'tcp', 'udp', 'ipv6', 'gre', 'esp', 'icmp6', 'ospf', 'sctp'], toString(proto)) AS protocol,
  toUnixTimestamp64Milli(time) - toUnixTimestamp64Milli(start_time) AS duration_ms,
  if(startsWith(IPv6NumToString(src_ip), '::ffff:'), substring(IPv6NumToString(src_ip), 8), IPv6NumToString(src_ip)) AS src, if(startsWith(IPv6NumToString(dst_ip), '::ffff:'), substring(IPv6NumToString(dst_ip), 8), IPv6NumToString(dst_ip)) AS dst
FROM vedette_store.events;

CREATE OR REPLACE VIEW vedette.net_1m ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT endpoint, direction, time, sum(stored.flows) AS flows, sum(stored.bytes_out) AS bytes_out, sum(stored.bytes_in) AS bytes_in, sum(stored.packets_out) AS packets_out, sum(stored.packets_in) AS packets_in, sum(stored.failed) AS failed, sum(stored.late) AS late,
  if(bytes_out + bytes_in = 0, 0, (toFloat64(bytes_out) - bytes_in) / (bytes_out + bytes_in)) AS pcr,
  if(startsWith(IPv6NumToString(endpoint), '::ffff:'), substring(IPv6NumToString(endpoint), 8), IPv6NumToString(endpoint)) AS host
FROM vedette_store.net_1m AS stored GROUP BY endpoint, direction, time;

CREATE OR REPLACE VIEW vedette.device_1m ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT device, metric, time, sum(stored.n) AS n, sum(stored.sum) AS sum, min(toFloat64(stored.min)) AS min,
  max(toFloat64(stored.max)) AS max, sum(stored.sum_squares) AS sum_squares, sum / n AS mean,
  sqrt(greatest(0, sum_squares / n - mean * mean)) AS sd,
  tupleElement(max(stored.last), 2) AS last, tupleElement(max(stored.last), 1) AS last_time, sum(stored.late) AS late
FROM vedette_store.device_1m AS stored GROUP BY device, metric, time;

CREATE OR REPLACE VIEW vedette.net_5m ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT endpoint, direction, time, sum(stored.flows) AS flows, sum(stored.bytes_out) AS bytes_out, sum(stored.bytes_in) AS bytes_in, sum(stored.packets_out) AS packets_out, sum(stored.packets_in) AS packets_in, sum(stored.failed) AS failed, sum(stored.late) AS late,
  if(bytes_out + bytes_in = 0, 0, (toFloat64(bytes_out) - bytes_in) / (bytes_out + bytes_in)) AS pcr,
  if(startsWith(IPv6NumToString(endpoint), '::ffff:'), substring(IPv6NumToString(endpoint), 8), IPv6NumToString(endpoint)) AS host
FROM vedette_store.net_5m AS stored GROUP BY endpoint, direction, time;

CREATE OR REPLACE VIEW vedette.device_5m ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT device, metric, time, sum(stored.n) AS n, sum(stored.sum) AS sum, min(toFloat64(stored.min)) AS min,
  max(toFloat64(stored.max)) AS max, sum(stored.sum_squares) AS sum_squares, sum / n AS mean,
  sqrt(greatest(0, sum_squares / n - mean * mean)) AS sd,
  tupleElement(max(stored.last), 2) AS last, tupleElement(max(stored.last), 1) AS last_time, sum(stored.late) AS late
FROM vedette_store.device_5m AS stored GROUP BY device, metric, time;

CREATE OR REPLACE VIEW vedette.net_1h ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT endpoint, direction, time, sum(stored.flows) AS flows, sum(stored.bytes_out) AS bytes_out, sum(stored.bytes_in) AS bytes_in, sum(stored.packets_out) AS packets_out, sum(stored.packets_in) AS packets_in, sum(stored.failed) AS failed, sum(stored.late) AS late,
  if(bytes_out + bytes_in = 0, 0, (toFloat64(bytes_out) - bytes_in) / (bytes_out + bytes_in)) AS pcr,
  if(startsWith(IPv6NumToString(endpoint), '::ffff:'), substring(IPv6NumToString(endpoint), 8), IPv6NumToString(endpoint)) AS host
FROM vedette_store.net_1h AS stored GROUP BY endpoint, direction, time;

CREATE OR REPLACE VIEW vedette.device_1h ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT device, metric, time, sum(stored.n) AS n, sum(stored.sum) AS sum, min(toFloat64(stored.min)) AS min,
  max(toFloat64(stored.max)) AS max, sum(stored.sum_squares) AS sum_squares, sum / n AS mean,
  sqrt(greatest(0, sum_squares / n - mean * mean)) AS sd,
  tupleElement(max(stored.last), 2) AS last, tupleElement(max(stored.last), 1) AS last_time, sum(stored.late) AS late
FROM vedette_store.device_1h AS stored GROUP BY device, metric, time;

CREATE OR REPLACE VIEW vedette.host_features_1m ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT host, time, flows, failed, bytes_out, bytes_in, packets_out, packets_in, dns_queries, nxdomain, new_destinations, outside_bytes_out, outside_bytes_in, largest_flow_out, distinct_destinations, distinct_ports, if(flows = 0, 0, failed / flows) AS failed_share, if(dns_queries = 0, 0, nxdomain / dns_queries) AS nxdomain_share,
  if(bytes_out + bytes_in = 0, 0, (toFloat64(bytes_out) - bytes_in) / (bytes_out + bytes_in)) AS pcr
FROM vedette_store.host_features_1m FINAL;

CREATE OR REPLACE VIEW vedette.host_features_5m ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT host, time, flows, failed, bytes_out, bytes_in, packets_out, packets_in, dns_queries, nxdomain, new_destinations, outside_bytes_out, outside_bytes_in, largest_flow_out, distinct_destinations, distinct_ports, if(flows = 0, 0, failed / flows) AS failed_share, if(dns_queries = 0, 0, nxdomain / dns_queries) AS nxdomain_share,
  if(bytes_out + bytes_in = 0, 0, (toFloat64(bytes_out) - bytes_in) / (bytes_out + bytes_in)) AS pcr
FROM vedette_store.host_features_5m FINAL;

CREATE OR REPLACE VIEW vedette.host_features_1h ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT host, time, flows, failed, bytes_out, bytes_in, packets_out, packets_in, dns_queries, nxdomain, new_destinations, outside_bytes_out, outside_bytes_in, largest_flow_out, distinct_destinations, distinct_ports, if(flows = 0, 0, failed / flows) AS failed_share, if(dns_queries = 0, 0, nxdomain / dns_queries) AS nxdomain_share,
  if(bytes_out + bytes_in = 0, 0, (toFloat64(bytes_out) - bytes_in) / (bytes_out + bytes_in)) AS pcr
FROM vedette_store.host_features_1h FINAL;

CREATE OR REPLACE VIEW vedette.reading_features_1m ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT device, metric, time, n, mean, min, max, sd, last, longest_gap_ms
FROM vedette_store.reading_features_1m FINAL;

CREATE OR REPLACE VIEW vedette.target_features_pane ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT target, time, flows, packets, bytes, syn_only, sources
FROM vedette_store.target_features_pane FINAL;

CREATE OR REPLACE VIEW vedette.host_features_1m_sql ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT host, window AS time, flows, failed, bytes_out, bytes_in, packets_out, packets_in, dns_queries, nxdomain, outside_bytes_out, outside_bytes_in, largest_flow_out, distinct_destinations, distinct_ports
FROM (
  SELECT if(direction = 'inbound', dst_ip, src_ip) AS host, toDateTime(intDiv(toUnixTimestamp64Milli(time), 60000) * 60, 'UTC') AS window, toUInt64(countIf(class = 'network')) AS flows,
    toUInt64(countIf(class = 'network' and conn_state in ('S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR'))) AS failed,
    toUInt64(sumIf(if(direction = 'inbound', bytes_in, bytes_out), class = 'network')) AS bytes_out,
    toUInt64(sumIf(if(direction = 'inbound', bytes_out, bytes_in), class = 'network')) AS bytes_in,
    toUInt64(sumIf(if(direction = 'inbound', packets_in, packets_out), class = 'network')) AS packets_out,
    toUInt64(sumIf(if(direction = 'inbound', packets_out, packets_in), class = 'network')) AS packets_in,
    toUInt64(countIf(class = 'dns' and direction != 'inbound')) AS dns_queries,
    toUInt64(countIf(class = 'dns' and direction != 'inbound' and dns_rcode = 'NXDOMAIN')) AS nxdomain,
    toUInt64(sumIf(if(direction = 'inbound', bytes_in, bytes_out), class = 'network' and direction != 'lateral')) AS outside_bytes_out,
    toUInt64(sumIf(if(direction = 'inbound', bytes_out, bytes_in), class = 'network' and direction != 'lateral')) AS outside_bytes_in,
    toUInt64(maxIf(if(direction = 'inbound', bytes_in, bytes_out), class = 'network' and direction != 'lateral')) AS largest_flow_out,
    toUInt64(uniqExactIf(if(direction = 'inbound', src_ip, dst_ip), class = 'network')) AS distinct_destinations,
    toUInt64(uniqExactIf(dst_port, class = 'network' and direction != 'inbound')) AS distinct_ports
  FROM vedette_store.events WHERE late = 0 AND class IN ('network', 'dns') AND direction IN ('inbound', 'outbound', 'lateral')
  GROUP BY host, window
  SETTINGS prefer_column_name_to_alias = 1
);

CREATE OR REPLACE VIEW vedette.host_features_5m_sql ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT host, window AS time, flows, failed, bytes_out, bytes_in, packets_out, packets_in, dns_queries, nxdomain, outside_bytes_out, outside_bytes_in, largest_flow_out, distinct_destinations, distinct_ports
FROM (
  SELECT if(direction = 'inbound', dst_ip, src_ip) AS host, toDateTime(intDiv(toUnixTimestamp64Milli(time), 300000) * 300, 'UTC') AS window, toUInt64(countIf(class = 'network')) AS flows,
    toUInt64(countIf(class = 'network' and conn_state in ('S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR'))) AS failed,
    toUInt64(sumIf(if(direction = 'inbound', bytes_in, bytes_out), class = 'network')) AS bytes_out,
    toUInt64(sumIf(if(direction = 'inbound', bytes_out, bytes_in), class = 'network')) AS bytes_in,
    toUInt64(sumIf(if(direction = 'inbound', packets_in, packets_out), class = 'network')) AS packets_out,
    toUInt64(sumIf(if(direction = 'inbound', packets_out, packets_in), class = 'network')) AS packets_in,
    toUInt64(countIf(class = 'dns' and direction != 'inbound')) AS dns_queries,
    toUInt64(countIf(class = 'dns' and direction != 'inbound' and dns_rcode = 'NXDOMAIN')) AS nxdomain,
    toUInt64(sumIf(if(direction = 'inbound', bytes_in, bytes_out), class = 'network' and direction != 'lateral')) AS outside_bytes_out,
    toUInt64(sumIf(if(direction = 'inbound', bytes_out, bytes_in), class = 'network' and direction != 'lateral')) AS outside_bytes_in,
    toUInt64(maxIf(if(direction = 'inbound', bytes_in, bytes_out), class = 'network' and direction != 'lateral')) AS largest_flow_out,
    toUInt64(uniqExactIf(if(direction = 'inbound', src_ip, dst_ip), class = 'network')) AS distinct_destinations,
    toUInt64(uniqExactIf(dst_port, class = 'network' and direction != 'inbound')) AS distinct_ports
  FROM vedette_store.events WHERE late = 0 AND class IN ('network', 'dns') AND direction IN ('inbound', 'outbound', 'lateral')
  GROUP BY host, window
  SETTINGS prefer_column_name_to_alias = 1
);

CREATE OR REPLACE VIEW vedette.host_features_1h_sql ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT host, window AS time, flows, failed, bytes_out, bytes_in, packets_out, packets_in, dns_queries, nxdomain, outside_bytes_out, outside_bytes_in, largest_flow_out, distinct_destinations, distinct_ports
FROM (
  SELECT if(direction = 'inbound', dst_ip, src_ip) AS host, toDateTime(intDiv(toUnixTimestamp64Milli(time), 3600000) * 3600, 'UTC') AS window, toUInt64(countIf(class = 'network')) AS flows,
    toUInt64(countIf(class = 'network' and conn_state in ('S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'SHR'))) AS failed,
    toUInt64(sumIf(if(direction = 'inbound', bytes_in, bytes_out), class = 'network')) AS bytes_out,
    toUInt64(sumIf(if(direction = 'inbound', bytes_out, bytes_in), class = 'network')) AS bytes_in,
    toUInt64(sumIf(if(direction = 'inbound', packets_in, packets_out), class = 'network')) AS packets_out,
    toUInt64(sumIf(if(direction = 'inbound', packets_out, packets_in), class = 'network')) AS packets_in,
    toUInt64(countIf(class = 'dns' and direction != 'inbound')) AS dns_queries,
    toUInt64(countIf(class = 'dns' and direction != 'inbound' and dns_rcode = 'NXDOMAIN')) AS nxdomain,
    toUInt64(sumIf(if(direction = 'inbound', bytes_in, bytes_out), class = 'network' and direction != 'lateral')) AS outside_bytes_out,
    toUInt64(sumIf(if(direction = 'inbound', bytes_out, bytes_in), class = 'network' and direction != 'lateral')) AS outside_bytes_in,
    toUInt64(maxIf(if(direction = 'inbound', bytes_in, bytes_out), class = 'network' and direction != 'lateral')) AS largest_flow_out,
    toUInt64(uniqExactIf(if(direction = 'inbound', src_ip, dst_ip), class = 'network')) AS distinct_destinations,
    toUInt64(uniqExactIf(dst_port, class = 'network' and direction != 'inbound')) AS distinct_ports
  FROM vedette_store.events WHERE late = 0 AND class IN ('network', 'dns') AND direction IN ('inbound', 'outbound', 'lateral')
  GROUP BY host, window
  SETTINGS prefer_column_name_to_alias = 1
);

CREATE OR REPLACE VIEW vedette.reading_features_1m_sql ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT device, metric, window AS time, n, mean, min, max, sd, last, longest_gap_ms
FROM (
  SELECT device, metric, toDateTime(intDiv(toUnixTimestamp64Milli(time), 60000) * 60, 'UTC') AS window, toFloat64(count()) AS n,
    avg(value) AS mean,
    min(value) AS min,
    max(value) AS max,
    stddevPop(value) AS sd,
    argMax(value, (time, _pos)) AS last,
    toFloat64(max(gap_ms)) AS longest_gap_ms
  FROM (SELECT *, toUnixTimestamp64Milli(time) AS at_ms, at_ms - lagInFrame(at_ms, 1, at_ms) OVER (
    PARTITION BY device, metric ORDER BY at_ms, _pos ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  ) AS gap_ms FROM vedette_store.events WHERE late = 0 AND class = 'reading') WHERE 1
  GROUP BY device, metric, window
  SETTINGS prefer_column_name_to_alias = 1
);

CREATE OR REPLACE VIEW vedette.target_features_pane_sql ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT target, window AS time, flows, packets, bytes, syn_only, sources
FROM (
  SELECT dst_ip AS target, toDateTime(intDiv(toUnixTimestamp64Milli(time), 10000) * 10, 'UTC') AS window, toUInt64(count()) AS flows,
    toUInt64(sum(greatest(packets_out, 1))) AS packets,
    toUInt64(sum(bytes_out)) AS bytes,
    toUInt64(sumIf(if(time - start_time > 10, toUInt64(ceil(greatest(packets_out, 1) * 10000 / (toUnixTimestamp64Milli(time) - toUnixTimestamp64Milli(start_time)))), greatest(packets_out, 1)), proto = 6 and conn_state in ('S0', 'REJ', 'RSTOS0', 'SH') and direction != 'outbound')) AS syn_only,
    toUInt64(uniqExact(src_ip)) AS sources
  FROM (SELECT * REPLACE (if(reflected, src_ip, dst_ip) AS dst_ip, if(reflected, dst_ip, src_ip) AS src_ip,
    if(reflected, bytes_in, bytes_out) AS bytes_out, if(reflected, packets_in, packets_out) AS packets_out)
    FROM (SELECT *, direction = 'outbound' AND packets_out = 0 AND packets_in > 0 AS reflected FROM vedette_store.events WHERE late = 0 AND class = 'network')
    WHERE direction IN ('inbound', 'lateral') OR reflected) WHERE 1
  GROUP BY target, window
  SETTINGS prefer_column_name_to_alias = 1
);

CREATE OR REPLACE VIEW vedette.alerts ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT uid, version, time, status, family, detector, entity, entity_kind, severity, confidence,
  first_seen, last_seen, title, finding
FROM vedette_store.alerts ORDER BY uid, version DESC LIMIT 1 BY uid;

CREATE OR REPLACE VIEW vedette.alert_history ON CLUSTER vedette DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT DISTINCT uid, version, time, status, family, detector, entity, entity_kind, severity, confidence,
  first_seen, last_seen, title, finding FROM vedette_store.alerts;
