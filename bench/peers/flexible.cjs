// rate-limiter-flexible on Fastify with ioredis: two limits per request, asked together. Fixed windows, which is what the library has.
const fastify = require('fastify')({ logger: false })
const Redis = require('ioredis')
const { RateLimiterRedis } = require('rate-limiter-flexible')

const storeClient = new Redis(process.env.BENCH_STORE, {
  enableOfflineQueue: true,
  enableAutoPipelining: process.env.BENCH_PIPELINING !== '0',
})
const byKey = new RateLimiterRedis({ storeClient, points: Number(process.env.BENCH_RATE), duration: 1, keyPrefix: 'key' })
const byIp = new RateLimiterRedis({ storeClient, points: 1_000_000, duration: 1, keyPrefix: 'ip' })

const answer = { type: 'object', properties: { decision: { type: 'string' }, remaining: { type: 'integer' } } }
fastify.post('/v1/check', { schema: { response: { 200: answer } } }, async (request) => {
  try {
    const [key, ip] = await Promise.all([byKey.consume(request.body.api_key), byIp.consume(request.body.ip)])
    return { decision: 'allow', remaining: Math.min(key.remainingPoints, ip.remainingPoints) }
  } catch (refused) {
    if (refused instanceof Error) throw refused
    return { decision: 'throttle', remaining: 0 }
  }
})
fastify.listen({ host: '127.0.0.1', port: Number(process.env.BENCH_PORT) })
process.on('SIGTERM', () => process.exit(0))
