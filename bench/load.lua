-- Asks as a gateway does. Every request is a POST to BENCH_PATH with BENCH_TEMPLATE as its body, where {key} and {ip} are the caller's.
--
--   BENCH_HEADERS  1: the headers X-Api-Key and X-Caller-Ip say the same, to those who read no bodies.
--   BENCH_CALLERS  a file of caller numbers: they come in that order, again and again. Without it each request is a caller's first.
--   BENCH_FIRST    where in that order to begin, or after which caller.
--   BENCH_COUNT    1: look into every answer for refusals. That is dear, so it is never set while a rate is measured.
--
-- Writes one line, "BENCH " and JSON. All requests of a template are of one length, so a new caller costs one concatenation.
local path = os.getenv("BENCH_PATH")
local template = os.getenv("BENCH_TEMPLATE")
local at = tonumber(os.getenv("BENCH_FIRST"))
local pieces, keys, ips = {}, {}, {}
local prepared
local threads = {}

-- what done() reads from the one thread that asks
began, counted, refused, broken = 0, 0, 0, 0

local function identity(number)
  local a, b, c, d = math.floor(number / 3796416) % 70, math.floor(number / 24336) % 156, math.floor(number / 156) % 156, number % 156
  return string.format("key-%09d", number), string.format("%d.%d.%d.%d", 130 + a, 100 + b, 100 + c, 100 + d)
end

local function render(number)
  local key, ip = identity(number)
  for _, index in ipairs(keys) do pieces[index] = key end
  for _, index in ipairs(ips) do pieces[index] = ip end
  return table.concat(pieces)
end

local function split(text)
  local from = 1
  while true do
    local first, last, name = text:find("{(%a+)}", from)
    if not first then break end
    table.insert(pieces, text:sub(from, first - 1))
    table.insert(pieces, "")
    table.insert(name == "key" and keys or ips, #pieces)
    from = last + 1
  end
  table.insert(pieces, text:sub(from))
end

local function prepare(file)
  local made, order = {}, {}
  for line in io.lines(file) do
    local number = tonumber(line)
    made[number] = made[number] or render(number)
    table.insert(order, made[number])
  end
  return order
end

function setup(thread)
  table.insert(threads, thread)
end

function init()
  local key, ip = identity(1)
  local length = #template:gsub("{key}", key):gsub("{ip}", ip)
  local caller = os.getenv("BENCH_HEADERS") == "1" and "X-Api-Key: {key}\r\nX-Caller-Ip: {ip}\r\n" or ""
  split("POST " .. path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" .. caller .. "Content-Length: " .. length .. "\r\n\r\n" .. template)
  local file = os.getenv("BENCH_CALLERS")
  prepared = file and prepare(file)
  began = os.clock()
end

function request()
  at = at + 1
  return prepared and prepared[at % #prepared + 1] or render(at)
end

if os.getenv("BENCH_COUNT") == "1" then
  function response(status, _, body)
    counted = counted + 1
    if status == 429 or body:find('"throttle"', 1, true) or body:find("OVER_LIMIT", 1, true) then
      refused = refused + 1
    elseif status >= 400 then
      broken = broken + 1
    end
  end
end

function done(summary, latency)
  local errors, asked = summary.errors, threads[1]
  io.write(string.format(
    'BENCH {"requests":%d,"us":%d,"failed":%d,"not_ok":%d,"p50_us":%d,"p99_us":%d,"client_cpu_us":%d,"counted":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, errors.connect + errors.read + errors.write + errors.timeout, errors.status,
    latency:percentile(50), latency:percentile(99), (os.clock() - asked:get("began")) * 1e6,
    asked:get("counted"), asked:get("refused"), asked:get("broken")))
end
