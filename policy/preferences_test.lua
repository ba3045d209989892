-- Tests of preferences.lua. Run them with `eachrcpt test policy`.

local function send(fields)
  return session({
    script = "preferences.lua",
    rcptto = "anna@customer.example",
    message = fields .. 'Subject: x\nContent-Type: text/html\n\n<a href="https://shop.example/">shop</a>\n',
  }):expect_code(250)
end

describe("preferences", function()
  it("switches what the sender names, and takes the fields out", function()
    local s = send("X-Track-Opens: No\nx-track-clicks: off\nX-Campaign: spring\n")
    s:rcpt("anna@customer.example")
      :expect_pixel(false)
      :expect_no_link("https://shop.example/")
      :expect_context("smtpapi_campaign_id", "spring")
      :expect_no_header("X-Track-Opens")
      :expect_no_header("X-Track-Clicks")
      :expect_no_header("X-Campaign")
  end)

  it("leaves everything else to the configuration", function()
    send(""):rcpt("anna@customer.example"):expect_pixel():expect_link("https://shop.example/")
  end)

  it("says when it does not understand a wish", function()
    local s = send("X-Track-Opens: maybe\n")
    s:expect_log("X%-Track%-Opens: yes or no expected, got maybe", "paniclog")
    s:rcpt("anna@customer.example"):expect_pixel():expect_no_header("X-Track-Opens")
  end)
end)
