// Definitions of what files of tests find (`eachrcpt test`), for the Lua language server.

export const TESTING = `---@meta

---A group of tests.
---@overload fun(name: string, body: function)
describe = {}
---@param name string
---@param body function
function describe.skip(name, body) end

---A test; without a function it is pending.
---@overload fun(name: string, body?: function)
it = {}
---@param name string
---@param body function
function it.skip(name, body) end
---No other test of the file runs.
---@param name string
---@param body function
function it.only(name, body) end
---@param name string
function pending(name) end
---@param body function
function before_each(body) end
---@param body function
function after_each(body) end

---@param value any
---@param what? string
function expect(value, what) end
---@param got any
---@param expected any
---@param what? string
function expect_equal(got, expected, what) end
---@param why? string
function fail(why) end

---@class test_mail
---@field mailfrom? string
---@field rcptto? string|string[]
---@field message? string
---@field eml? string a file beside the test
---@field mess_context? table
---@field parameters? string of MAIL

---@class test_session_fields
---@field mailfrom? string
---@field rcptto? string|string[]
---@field message? string
---@field eml? string a file beside the test
---@field mess_context? table
---@field parameters? string of MAIL
---@field script? string|string[]
---@field config? string
---@field peer? string
---@field helo? string
---@field listen? string
---@field user? string who logs in
---@field tls? boolean
---@field context? table

---@param fields test_session_fields
---@return test_session
function session(fields) end

---@class test_session
local Session = {}
---@param mail test_mail
---@return test_session
function Session:send(mail) end
---@param line string
---@return string reply
function Session:command(line) end
---@param seconds number
function Session:advance(seconds) end
function Session:close() end
---@return integer
function Session:code() end
---@return string
function Session:reply() end
---@return string
function Session:greeting() end
---@return boolean
function Session:is_closed() end
---@return string[]
function Session:recipients() end
---@param address string
---@return test_recipient
function Session:rcpt(address) end
---@return test_recipient[]
function Session:sent() end
---@param key string
---@return string?
function Session:context(key) end
---@param name? string mainlog, rejectlog, paniclog, acctlog
---@return string[]
function Session:log(name) end
---@return string[] JSON records
function Session:events() end
---@param code integer
---@return test_session
function Session:expect_code(code) end
---@param pattern string
---@return test_session
function Session:expect_reply(pattern) end
---@param key string
---@param value string?
---@return test_session
function Session:expect_context(key, value) end
---@param pattern string
---@param name? string
---@return test_session
function Session:expect_log(pattern, name) end
---@param pattern string
---@param name? string
---@return test_session
function Session:expect_no_log(pattern, name) end

---@class test_recipient
local Recipient = {}
---@return integer
function Recipient:code() end
---@return string
function Recipient:reply() end
---@return string accepted, refused, discarded, removed, failed
function Recipient:verdict() end
---@return string? octets
function Recipient:message() end
---@param name string
---@return string?
function Recipient:header(name) end
---@param name string
---@return string[]
function Recipient:headers(name) end
---@return string
function Recipient:body() end
---@param key string
---@return string?
function Recipient:context(key) end
---@return string?
function Recipient:binding() end
---@return table[] target, name, outcome and url of each
function Recipient:links() end
---@param code integer
---@return test_recipient
function Recipient:expect_code(code) end
---@param verdict string
---@return test_recipient
function Recipient:expect_verdict(verdict) end
---@param name string
---@param value? string
---@return test_recipient
function Recipient:expect_header(name, value) end
---@param name string
---@param pattern string
---@return test_recipient
function Recipient:expect_header_match(name, pattern) end
---@param name string
---@return test_recipient
function Recipient:expect_no_header(name) end
---@param key string
---@param value string?
---@return test_recipient
function Recipient:expect_context(key, value) end
---@param pattern string
---@param plain? boolean
---@return test_recipient
function Recipient:expect_body(pattern, plain) end
---@param pattern string
---@param plain? boolean
---@return test_recipient
function Recipient:expect_no_body(pattern, plain) end
---@param target string
---@return test_recipient
function Recipient:expect_link(target) end
---@param target string
---@return test_recipient
function Recipient:expect_no_link(target) end
---@param is_there? boolean
---@return test_recipient
function Recipient:expect_pixel(is_there) end
---@param name string
---@return test_recipient
function Recipient:expect_binding(name) end

---Each gives back the table of what was asked, which grows.
---@param answers table|function
---@return table[] type and name of each
function fake_dns(answers) end
---@param answers table|function
---@return table[] method, url, headers and body of each
function fake_http(answers) end
---@param answers table|function
---@return table[] sql, params and uri of each
function fake_db(answers) end
---@param numbers number|number[]
function fake_random(numbers) end
---@param time number|string
function fake_clock(time) end
`
