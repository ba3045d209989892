-- Tests of policy/welcome.lua: eachrcpt test

local function send(fields)
  fields.config = "../ecelerity.conf"
  fields.eml = "../messages/welcome.eml"
  fields.mailfrom = fields.mailfrom or "news@shop.example"
  return session(fields)
end

describe("welcome", function()
  it("tracks customers and names the campaign", function()
    local anna = send({ rcptto = "anna@customer.example" }):expect_code(250):rcpt("anna@customer.example")
    anna:expect_header("X-Campaign", "welcome"):expect_context("smtpapi_campaign_id", "welcome")
    anna:expect_link("https://shop.example/start"):expect_pixel()
  end)

  it("leaves mail to people who objected as it is", function()
    local carol = send({ rcptto = "carol@privacy.example" }):rcpt("carol@privacy.example")
    carol:expect_no_header("X-Campaign"):expect_pixel(false)
  end)

  it("refuses a sender who may not send", function()
    send({ mailfrom = "x@invalid.example", rcptto = "anna@customer.example" }):expect_code(550)
  end)
end)
