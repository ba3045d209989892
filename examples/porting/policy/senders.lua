-- Once for each message: a mark for the night. Viruses are found by a server before this one.
require("msys.core")
require("msys.extended.vctx")

local mod = {}

function mod:validate_data(msg, ac, vctx)
  if os.date("*t").hour < 6 then
    vctx:set(msys.core.VCTX_MESS, "night", "1")
  end
  return msys.core.VALIDATE_CONT
end

msys.registerModule("senders", mod)
