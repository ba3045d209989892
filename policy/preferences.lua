-- Tracking by wishes, for a server without a policy of its own: a sender switches it for one message with
-- the header fields
--    X-Track-Opens: no      X-Track-Clicks: no      X-Campaign: spring
-- which are taken out before the mail goes on. Everything else is left to the configuration.
require("msys.core")
require("msys.extended.message")

local MESS = msys.core.ECMESS_CTX_MESS

local switches = { ["yes"] = "1", ["on"] = "1", ["no"] = "0", ["off"] = "0" }

local fields = {
  ["X-Track-Opens"] = "smtpapi_open_tracking",
  ["X-Track-Clicks"] = "smtpapi_click_tracking",
}

local mod = {}

function mod:validate_data(msg, accept, vctx)
  for name, variable in pairs(fields) do
    local wish = msg:header(name)[1]
    if wish then
      local value = switches[string.lower(wish)]
      if value then
        msg:context_set(MESS, variable, value)
      else
        print(name .. ": yes or no expected, got " .. wish)
      end
      msg:header(name, "")
    end
  end

  local campaign = msg:header("X-Campaign")[1]
  if campaign then
    msg:context_set(MESS, "smtpapi_campaign_id", campaign)
    msg:header("X-Campaign", "")
  end
  return msys.core.VALIDATE_CONT
end

msys.registerModule("preferences", mod)
