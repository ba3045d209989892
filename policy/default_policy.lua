-- The default policy of Momentum 3, as far as it goes without modules that are licensed separately: what
-- dp_config.lua says in the tables of msys.dp_config is checked, and the functions that custom_policy.lua puts into
-- msys.dp_config.custom_policy run before (pre_…) and after (post_…) the checks of their phase. Both files are looked
-- for in search_path and beside the configuration:
--    scriptlet "scriptlet" { script "default_policy" { source = "default_policy" } }
require("msys.core")
require("msys.pbp")
require("msys.audit_series")
require("msys.cidr")
require("msys.db")

-- The file is the user's: that it is missing is said here, by the name of this script.
local settings = "dp_config"
local is_there, why = pcall(require, settings)
if not is_there then error("default_policy: " .. tostring(why), 0) end

local CONT, DONE = msys.core.VALIDATE_CONT, msys.core.VALIDATE_DONE
local CONN = msys.core.VCTX_CONN

-- What dp_config.lua has made: its tables are the user's, and any of them may be missing.
local config = rawget(msys, "dp_config")

local known = {
  whitelist = true, concurrent_connection_limits = true, rbls = true, fcdns = true,
  mail_from_domain_validate = true, recipient_validation = true, message_size_limits = true,
  audit_series = true, relay_authorization = true, custom_policy = true,
}

-- What each series of audit_series counts, and what is said over one of its thresholds.
local rates = {
  connections = { code = 421, text = "connection rate limit exceeded" },
  messages = { code = 421, text = "message rate limit exceeded" },
  mailfrom = { code = 451, text = "Sender message rate limit exceeded" },
  auth_user = { code = 451, text = "Authenticated user rate limit exceeded" },
  invalid_recipients = { code = 451, text = "DHA limit exceeded" },
}
local ONNET = "dp_onnet"

-- The items of a list that are switched on, and that no whitelist takes this client out of.
local function active(list, vctx)
  local found = {}
  for _, item in ipairs(list or {}) do
    if item.check and not msys.pbp.check_whitelist(vctx, item.honor_whitelist or {}) then
      found[#found + 1] = item
    end
  end
  return found
end

local function applies(item, vctx)
  return #active({ item }, vctx) == 1
end

-- Series of this script have names of their own.
local function series(name)
  local item = config.audit_series and config.audit_series[name]
  return item and item.thresholds and "dp_" .. name, item
end

local function count(name, key)
  local own = series(name)
  if own then msys.audit_series.add(own, { count = 1, key = key }) end
end

-- Over a threshold: the answer is given. `key` is counted by text; a series of addresses has its own keys.
local function check_rate(name, vctx, key)
  local own, item = series(name)
  if not own then return end
  for _, threshold in ipairs(active(item.thresholds, vctx)) do
    local range = { startv = threshold.startv or 0, endv = threshold.endv or 0, key = threshold.key or key }
    if msys.audit_series.count(own, range) > threshold.threshold then
      local rate = rates[name]
      if rate.code == 421 then return vctx:pbp_disconnect(rate.code, rate.text) end
      return vctx:pbp_action(rate.code, rate.text)
    end
  end
end

local function is_onnet(ac)
  local item = config.relay_authorization
  if not item or not item.check or not item.onnet then return false end
  local value = msys.cidr.query(ONNET, ac)
  return value ~= nil and value ~= false and value ~= ""
end

-- An answer of DNS or of a table: nil when the address is not listed.
local function listed(rbl, ac)
  if rbl.type == "rbldnsd" then
    local value = msys.cidr.query(rbl.name, ac)
    return value ~= "" and value or nil
  end
  local address = tostring(ac.remote_addr):match("^(%d+%.%d+%.%d+%.%d+)")
  if not address then return nil end
  local a, b, c, d = address:match("(%d+)%.(%d+)%.(%d+)%.(%d+)")
  local name = table.concat({ d, c, b, a, rbl.base }, ".")
  local records = msys.dnsLookup(name, rbl.record_type or "A", { server = rbl.server })
  return records and records[1]
end

local function check_limits(ac, vctx)
  for _, limit in ipairs(active(config.concurrent_connection_limits, vctx)) do
    local count = ac:pbp_inbound_session_count_service(limit.service or "SMTP", limit.mask)
    if count > limit.limit then
      return vctx:pbp_disconnect(421, "connection limit exceeded")
    end
  end
end

local function check_fcdns(ac, vctx)
  local fcdns = config.fcdns
  if not fcdns or not applies(fcdns, vctx) then return end
  local ok, rdns_error = msys.pbp.fcdns_check(ac, vctx)
  if ok then return end
  if rdns_error and rdns_error ~= "NXDOMAIN" and rdns_error ~= "NODATA" then
    return vctx:pbp_disconnect(421, "temporary failure to look up your name")
  end
  local has_name = vctx:get(CONN, "reverse_dns") ~= ""
  if has_name and fcdns.fdns_failure_code then
    return vctx:pbp_disconnect(fcdns.fdns_failure_code, "the name of your address does not lead back to it")
  elseif not has_name and fcdns.rdns_failure_code then
    return vctx:pbp_disconnect(fcdns.rdns_failure_code, "your address has no name")
  end
end

local function check_rbls(ac, vctx)
  for _, rbl in ipairs(active(config.rbls, vctx)) do
    local info = listed(rbl, ac)
    if info and rbl.process_result then
      local result = rbl.process_result(ac, vctx, info)
      if result == DONE then return result end
    elseif info then
      return vctx:pbp_disconnect(rbl.code, string.format(rbl.reason, tostring(info)))
    end
  end
end

local checks = {}

function checks.connect(ac, vctx)
  for _, whitelist in ipairs(config.whitelist or {}) do
    local value = msys.cidr.query(whitelist.name, ac)
    if value and value ~= "" then
      msys.pbp.set_whitelist(vctx, CONN, whitelist.name, true)
    end
  end
  -- The configuration may not let everybody relay.
  if is_onnet(ac) then vctx:set(CONN, "can_relay", "true") end
  count("connections", ac)
  if check_rate("connections", vctx) == DONE then return DONE end
  for _, check in ipairs { check_limits, check_fcdns, check_rbls } do
    if check(ac, vctx) == DONE then return DONE end
  end
end

-- Who may send to anybody: networks of ours, and who has authenticated.
local function may_relay(ac, vctx)
  if is_onnet(ac) then return true end
  return config.relay_authorization.allow_smtp_auth and vctx:get(CONN, "auth_status") == "pass"
end

function checks.mailfrom(str, ac, vctx)
  local sender = tostring(str):match("<([^>]*)>") or ""
  for name, key in pairs { mailfrom = sender, auth_user = vctx:get(CONN, "auth_user") } do
    if key ~= "" then
      count(name, key)
      if check_rate(name, vctx, key) == DONE then return DONE end
    end
  end
  local item = config.mail_from_domain_validate
  if not item or not applies(item, vctx) then return end
  local domain = tostring(str):match("@([^>@%s]+)>")
  if not domain or domain:match("^%[") then return end
  local records, err = msys.dnsLookup(domain, "MX")
  if records then return end
  if err == "NODATA" then records, err = msys.dnsLookup(domain, "A") end
  if err == "NODATA" then records, err = msys.dnsLookup(domain, "AAAA") end
  if records then return end
  if err == "NXDOMAIN" or err == "NODATA" then
    return vctx:pbp_action(item.failure_code, "the domain of the sender does not exist")
  end
  return vctx:pbp_action(451, "the domain of the sender cannot be looked up now")
end

function checks.rcptto(msg, str, ac, vctx)
  local item = config.recipient_validation
  local validates = item and item.check and item.ds_name and item.query
  local relaying = config.relay_authorization
  if relaying and relaying.check then
    if may_relay(ac, vctx) then return end
    if not validates then return vctx:pbp_action(550, "relaying denied") end
  end
  if not validates then return end
  if check_rate("invalid_recipients", vctx) == DONE then return DONE end
  local rcpt = msg:rcptto()
  local row = msys.db.fetch_row(item.ds_name, item.query, { rcpt = rcpt, domain = rcpt:match("@(.*)$") })
  local is_good = row ~= nil
  if row and item.status_attribute then
    is_good = false
    local status = tostring(row[item.status_attribute])
    for _, value in ipairs(item.status_values or {}) do
      if status == value or status:match("^" .. value .. "$") then is_good = true end
    end
  end
  if is_good then return end
  count("invalid_recipients", ac)
  return vctx:pbp_action(550, "there is no such recipient")
end

function checks.data(msg, ac, vctx)
  count("messages", ac)
  if check_rate("messages", vctx) == DONE then return DONE end
  for _, limit in ipairs(active(config.message_size_limits, vctx)) do
    if msg:get_message_size() > msys.pbp.size_in_bytes(limit.size) then
      return vctx:pbp_action(552, "the message is too large")
    end
  end
end

local function custom(name, ...)
  local run = config.custom_policy and config.custom_policy[name]
  return run and run(...) or CONT
end

local mod = {}

for _, phase in ipairs {
  "validate_connect", "validate_ehlo", "validate_mailfrom", "validate_rcptto", "validate_data",
  "validate_data_spool", "validate_data_spool_each_rcpt", "validate_set_binding",
} do
  mod[phase] = function(self, ...)
    if custom("pre_" .. phase, ...) == DONE then return DONE end
    local check = checks[string.sub(phase, 10)]
    if check and check(...) == DONE then return DONE end
    return custom("post_" .. phase, ...)
  end
end

function mod:init()
  local policy = config.custom_policy or {}
  if policy.pre_init and not policy.pre_init() then return false end
  for name, item in pairs(config) do
    if type(item) == "table" and not known[name] and item.check ~= false and not tostring(name):match("^_") then
      print("msys.dp_config." .. tostring(name) .. " is not supported: it checks nothing")
    end
  end
  for name, item in pairs(config.audit_series or {}) do
    if rates[name] then
      msys.audit_series.define("dp_" .. name, item.type, item.interval, item.buckets, item.options)
    else
      print("msys.dp_config.audit_series." .. tostring(name) .. " is not supported: it counts nothing")
    end
  end
  local relaying = config.relay_authorization
  if relaying and relaying.check and relaying.onnet then
    local onnet = relaying.onnet
    if onnet.record_type then onnet.record_type = onnet.record_type:lower() end
    msys.cidr.define(ONNET, onnet)
  end
  for _, whitelist in ipairs(config.whitelist or {}) do
    msys.cidr.define(whitelist.name, whitelist)
  end
  for _, rbl in ipairs(config.rbls or {}) do
    if rbl.type == "rbldnsd" then msys.cidr.define(rbl.name, rbl) end
  end
  if policy.post_init and not policy.post_init() then return false end
  return true
end

msys.registerModule("default_policy", mod)
