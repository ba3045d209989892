-- Tests of newsletter.lua. Run them with:
--   node build/cli/main.js test examples

local function send(fields)
  fields.config = "newsletter.conf"
  fields.mailfrom = "bounce@lindenhof.example"
  fields.eml = "newsletter.eml"
  return session(fields)
end

local ORDER = "https://shop.lindenhof.example/order?id=1"

describe("newsletter", function()
  it("leaves mail to people who objected as it was sent", function()
    local carol = send({ rcptto = "carol@privacy.example" }):expect_code(250):rcpt("carol@privacy.example")
    carol:expect_pixel(false):expect_no_header("X-Audience"):expect_context("smtpapi_click_tracking", "0")
    for _, link in ipairs(carol:links()) do
      expect(link.outcome ~= "tracked", "a link is tracked: " .. link.target)
    end
  end)

  it("counts clicks of partners, but not their opens", function()
    local ben = send({ rcptto = "ben@Partner.example" }):rcpt("ben@partner.example")
    ben:expect_header("X-Audience", "partner"):expect_pixel(false)
    expect_equal(ben:context("smtpapi_tags"), '["partner"]')
  end)

  describe("for customers", function()
    local anna

    before_each(function()
      anna = send({ rcptto = "anna@customer.example" }):rcpt("anna@customer.example")
    end)

    it("tracks opens and clicks", function()
      anna:expect_pixel():expect_header("X-Audience", "customer")
    end)

    it("names the campaign after their domain", function()
      anna:expect_context("smtpapi_campaign_id", "autumn-customer.example")
    end)

    it("takes X-MSYS-API out", function()
      anna:expect_no_header("X-MSYS-API")
    end)
  end)

  it("keeps a campaign that the injector names", function()
    local s = send({
      rcptto = { "anna@customer.example", "ben@partner.example" },
      context = { smtpapi_campaign_id = "crm-2026-47" },
    })
    for _, rcptto in ipairs(s:recipients()) do
      s:rcpt(rcptto):expect_context("smtpapi_campaign_id", "crm-2026-47")
    end
  end)

  it("treats each recipient of one message differently", function()
    local s = send({ rcptto = { "anna@customer.example", "carol@privacy.example" } })
    s:rcpt("anna@customer.example"):expect_pixel()
    s:rcpt("carol@privacy.example"):expect_pixel(false)
  end)

  pending("tells readers of the text part apart")
end)
