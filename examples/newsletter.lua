-- One newsletter, three kinds of recipients. What a team writes in Momentum's Lua, unchanged:
--  * whoever objected to tracking gets the mail as it was sent,
--  * partners get counted clicks but no pixel,
--  * everybody else is tracked, with campaign and tags for the reports.
-- An injector that names a campaign of its own (XSETCONTEXT smtpapi_campaign_id=...) keeps it.
require("msys.core")
require("msys.extended.message")

local CONN, MESS = msys.core.VCTX_CONN, msys.core.VCTX_MESS

local no_tracking = { ["privacy.example"] = true }
local partners = { ["partner.example"] = true }

local function track(msg, opens, clicks)
  msg:context_set(MESS, "smtpapi_open_tracking", opens)
  msg:context_set(MESS, "smtpapi_click_tracking", clicks)
end

local mod = {}

function mod:validate_data_spool_each_rcpt(msg, accept, vctx)
  local localpart, domain = string.match(msg:rcptto(), "^(.*)@(.*)$")
  domain = string.lower(domain)

  if no_tracking[domain] then
    track(msg, "0", "0")
    return msys.core.VALIDATE_CONT
  end

  if msg:context_get(CONN, "smtpapi_campaign_id") == "" then
    msg:context_set(MESS, "smtpapi_campaign_id", "autumn-" .. domain)
  end

  if partners[domain] then
    track(msg, "0", "1")
    msg:context_set(MESS, "smtpapi_tags", '["partner"]')
    msg:header("X-Audience", "partner")
    return msys.core.VALIDATE_CONT
  end

  track(msg, "1", "1")
  msg:context_set(MESS, "smtpapi_tags", '["customer","autumn"]')
  msg:context_set(MESS, "smtpapi_metadata", '{"account":"' .. localpart .. '"}')
  msg:header("X-Audience", "customer")
  return msys.core.VALIDATE_CONT
end

msys.registerModule("newsletter", mod)
