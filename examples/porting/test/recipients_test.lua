-- What the policy did before holds here, too: eachrcpt test

local function send(fields)
  fields.script = { "../policy/recipients.lua" }
  fields.mailfrom = "news@shop.example"
  fields.eml = "../message.eml"
  return session(fields)
end

describe("recipients", function()
  it("get the campaign of the injector", function()
    local s = send({ rcptto = "anna@customer.example", mess_context = { campaign = "spring" } })
    s:rcpt("anna@customer.example"):expect_context("smtpapi_campaign_id", "spring")
  end)

  it("get none where the injector names none", function()
    local s = send({ rcptto = "anna@customer.example" })
    s:rcpt("anna@customer.example"):expect_context("smtpapi_campaign_id", "none")
  end)
end)
