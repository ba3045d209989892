-- The first policy: two kinds of recipients, and one rule for senders.
require("msys.core")
require("msys.extended.message")
require("msys.extended.vctx")

local MESS = msys.core.VCTX_MESS

-- Who objected to tracking.
local private = { ["privacy.example"] = true }

local mod = {} ---@type scriptlet

-- Once for a sender: without one nobody could be told about failures.
function mod:validate_mailfrom(str, ac, vctx)
  if vctx:get(MESS, "mailfrom_domain") == "invalid.example" then
    vctx:set_code(550, "5.7.1 this sender may not send here")
    return msys.core.VALIDATE_DONE
  end
  return msys.core.VALIDATE_CONT
end

-- Once for each recipient's copy.
function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
  local domain = string.lower(string.match(msg:rcptto(), "@(.*)$") or "")
  if private[domain] then
    msg:context_set(MESS, "smtpapi_open_tracking", "0")
    msg:context_set(MESS, "smtpapi_click_tracking", "0")
  else
    msg:context_set(MESS, "smtpapi_campaign_id", "welcome")
    msg:header("X-Campaign", "welcome")
  end
  return msys.core.VALIDATE_CONT
end

msys.registerModule("welcome", mod)
