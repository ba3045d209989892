-- Each recipient's copy: campaign and binding.
require("msys.core")
require("msys.extended.message")
require("msys.pcre")

local mod = {}

function mod:validate_data_spool_each_rcpt(msg, accept, vctx)
  local found = msys.pcre.match(msg:rcptto(), "@(?P<domain>.+)$")
  local domain = found and found["domain"]
  local campaign = msg:context_get(msys.core.ECMESS_CTX_MESS, "campaign")
  if campaign ~= "" then
    msg:context_set(msys.core.ECMESS_CTX_MESS, "smtpapi_campaign_id", campaign)
  else
    msg:context_set(msys.core.ECMESS_CTX_MESS, "smtpapi_campaign_id", "none")
  end
  if domain == "vip.example" then
    msg:context_set(msys.core.ECMESS_CTX_MESS, "binding", "vip")
  end
  return msys.core.VALIDATE_CONT
end

function mod:validate_set_binding(msg)
  local binding = msg:context_get(msys.core.ECMESS_CTX_MESS, "binding")
  if binding ~= "" then
    msg:binding(binding)
  end
  return msys.core.VALIDATE_CONT
end

msys.registerModule("recipients", mod)
