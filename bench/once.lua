-- Every caller once: a new API key and a new address with each request. BENCH_FIRST is where this round begins to count.
local headers = { ["Content-Type"] = "application/json" }
local at = tonumber(os.getenv("BENCH_FIRST") or "0")

function request()
  at = at + 1
  local body = string.format('{"api_key":"key-%08d","ip":"10.%d.%d.%d","method":"GET","path":"/v1/images"}',
    at, math.floor(at / 65536) % 256, math.floor(at / 256) % 256, at % 256)
  return wrk.format("POST", "/v1/check", headers, body)
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('BENCH {"requests":%d,"us":%d,"failed":%d}\n', summary.requests, summary.duration, failed))
end
