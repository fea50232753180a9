-- The same 64 callers again and again: an API key and an address each.
local callers, requests, at = 64, {}, 0
local headers = { ["Content-Type"] = "application/json" }

function init()
  for i = 1, callers do
    local body = string.format('{"api_key":"key-%06d","ip":"198.51.100.%d","method":"GET","path":"/v1/images"}', i, i)
    requests[i] = wrk.format("POST", "/v1/check", headers, body)
  end
end

function request()
  at = at % callers + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('BENCH {"requests":%d,"us":%d,"failed":%d}\n', summary.requests, summary.duration, failed))
end
