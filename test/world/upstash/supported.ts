/**
 * Which commands Upstash takes over REST: the supported ones of https://upstash.com/docs/redis/overall/rediscompatibility,
 * less those that https://upstash.com/docs/redis/features/restapi excepts (blocking ones, WATCH, SUBSCRIBE, SELECT …).
 * Left out: JSON and search, which Debian's redis-server does not have.
 */
import type { Command } from "./connection.ts";

const supported = new Set(
  `APPEND DECR DECRBY GET GETDEL GETEX GETRANGE GETSET INCR INCRBY INCRBYFLOAT MGET MSET MSETNX PSETEX SET SETEX SETNX
  SETRANGE STRLEN BITCOUNT BITFIELD BITFIELD_RO BITOP BITPOS GETBIT SETBIT HDEL HEXISTS HGET HGETALL HINCRBY HINCRBYFLOAT
  HKEYS HLEN HMGET HMSET HSCAN HSET HSETNX HSTRLEN HRANDFIELD HVALS LINDEX LINSERT LLEN LMOVE LMPOP LPOP LPOS LPUSH
  LPUSHX LRANGE LREM LSET LTRIM RPOP RPOPLPUSH RPUSH RPUSHX SADD SCARD SDIFF SDIFFSTORE SINTER SINTERCARD SINTERSTORE
  SISMEMBER SMEMBERS SMISMEMBER SMOVE SPOP SRANDMEMBER SREM SSCAN SUNION SUNIONSTORE ZADD ZCARD ZCOUNT ZDIFF ZDIFFSTORE
  ZINCRBY ZINTER ZINTERCARD ZINTERSTORE ZLEXCOUNT ZMPOP ZMSCORE ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGE ZRANGESTORE ZRANGEBYLEX
  ZRANGEBYSCORE ZRANK ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE
  ZREVRANK ZSCAN ZSCORE ZUNION ZUNIONSTORE GEOADD GEODIST GEOHASH GEOPOS GEORADIUS GEORADIUS_RO GEORADIUSBYMEMBER
  GEORADIUSBYMEMBER_RO GEOSEARCH GEOSEARCHSTORE PFADD PFCOUNT PFMERGE EVAL EVALSHA EVAL_RO EVALSHA_RO SCRIPT FCALL FCALL_RO
  FUNCTION PUBLISH PUBSUB COPY DEL EXISTS EXPIRE EXPIREAT EXPIRETIME KEYS PERSIST PEXPIRE PEXPIREAT PEXPIRETIME PTTL
  RANDOMKEY RENAME RENAMENX SCAN TOUCH TTL TYPE UNLINK ECHO PING DBSIZE FLUSHALL FLUSHDB INFO TIME XACK XADD XAUTOCLAIM
  XCLAIM XDEL XGROUP XINFO XLEN XPENDING XRANGE XREAD XREADGROUP XREVRANGE XTRIM`.split(/\s+/),
);

/** What the service says in place of doing it; undefined for a command that it takes. */
export function refusal(command: Command): string | undefined {
  const name = command[0].toUpperCase();
  if (supported.has(name) && !blocks(name, command)) return tooLong(name, command);
  return `ERR Command is not available: '${name}'. See https://upstash.com/docs/redis/overall/rediscompatibility for details`;
}

/** The option stands before `STREAMS`, after which a stream may well be called "block". */
function blocks(name: string, command: Command): boolean {
  if (name !== "XREAD" && name !== "XREADGROUP") return false;
  const words = command.map((each) => String(each).toUpperCase());
  const end = words.indexOf("STREAMS");
  return words.slice(0, end === -1 ? words.length : end).includes("BLOCK");
}

/** https://upstash.com/docs/redis/troubleshooting/max_key_size_exceeded; what a script does inside is not seen here. */
const keyBytes = 32 * 1024;

/** Only for commands whose first argument is the key, and for the keys that a script is given. */
function tooLong(name: string, command: Command): string | undefined {
  const scripted = /^(?:EVAL|EVALSHA|FCALL)/.test(name);
  const keys = scripted ? command.slice(3, 3 + Number(command[2] ?? 0)) : command.slice(1, 2);
  if (name === "SCRIPT" || name === "FUNCTION" || name === "ECHO" || name === "PING") return undefined;
  const long = keys.map((key) => Buffer.byteLength(key)).find((bytes) => bytes > keyBytes);
  if (long === undefined) return undefined;
  return `ERR max key size exceeded. Limit: ${keyBytes} bytes, Actual: ${long} bytes`;
}
