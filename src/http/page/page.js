// Shows what /stream tells, once a second. Whatever comes from mail is put in as text, never as markup.
import { clock, element, nothing, row } from './elements.js'
import { count, duration, rounded, size, time } from './format.js'
import { traceOf } from './trace.js'

const SECONDS = 120
const MAX_MESSAGES = 50
const MAX_EVENTS = 100
const RATES = [
  ['received', 'Received'],
  ['delivered', 'Delivered'],
  ['deferred', 'Deferred', 'wait'],
  ['failed', 'Failed', 'bad'],
  ['rejected', 'Rejected', 'wait'],
  ['hits', 'Opens, clicks'],
]
const OUTCOMES = { delivered: 'good', deferred: 'wait', failed: 'bad', queued: '' }

const byId = (id) => document.getElementById(id)
/** What was told before this, and when. */
let before
const history = { received: [], delivered: [] }
/** Elements of messages by their id, newest last. */
const messages = new Map()
const knownEvents = new Set()

const source = new EventSource('stream')
source.addEventListener('open', () => showPill('live', 'live', 'good'))
source.addEventListener('error', () => showPill('live', 'connection lost, trying again', 'bad'))
source.addEventListener('message', ({ data }) => {
  const news = JSON.parse(data)
  showOverview(news.overview)
  for (const message of news.messages) showMessage(message)
  for (const record of news.events) showEvent(record)
  showEmpty()
})

function showOverview(now) {
  document.title = `${now.hostname} · eachrcpt`
  byId('hostname').textContent = now.hostname
  if (now.notReady) showPill('ready', `takes no mail: ${now.notReady}`, 'bad')
  else showPill('ready', 'takes mail', 'good')
  showRedis(now.redis)
  const memory = `${Math.round(now.memoryBytes / 1e6)} MB`
  const parts = [`eachrcpt ${now.version}`, `up ${duration(now.uptimeSeconds)}`, memory]
  byId('facts').textContent = [...parts, `${now.sessions} SMTP sessions`].join(' · ')
  showRates(now)
  showLanes(now)
  showCallouts(now.callouts)
  showWorkers(now)
  showBacklogs(now.backlogs)
  before = now
}

function showRedis(away) {
  byId('redis').hidden = away === undefined
  if (away) showPill('redis', `Redis is away: ${away}`, 'bad')
  else showPill('redis', 'Redis', 'good')
}

function showWorkers({ nowMs, workers }) {
  byId('workers-section').hidden = workers.length < 2
  const seconds = before ? (nowMs - before.nowMs) / 1000 : 0
  const rows = workers.map(({ slot, pid, state, ...worker }) => {
    const earlier = before?.workers.find((each) => each.pid === pid)
    const rate = (key) =>
      earlier && seconds > 0 ? Math.max(0, worker[key] - earlier[key]) / seconds : 0
    return row(
      element('td', '', `${slot} (process ${pid})`),
      element('td', STATES[state] ?? 'bad', state),
      element('td', 'number', duration(worker.uptimeSeconds)),
      element('td', 'number', count(worker.sessions)),
      element('td', 'number', `${rounded(rate('received'))}/s`),
      element('td', 'number', `${rounded(rate('delivered'))}/s`),
      element('td', 'number', count(worker.queued)),
      element('td', 'number', `${Math.round(worker.memoryBytes / 1e6)} MB`),
    )
  })
  byId('workers').replaceChildren(...rows)
}

const STATES = { ready: 'good', starting: 'wait' }

function showBacklogs(backlogs) {
  const all = backlogs.map(({ sink, bytes }) => `${size(bytes)} for ${sink}`)
  byId('backlogs').textContent = all.length > 0 ? `Waiting on disk: ${all.join(', ')}` : ''
}

function showRates(now) {
  const seconds = before ? (now.nowMs - before.nowMs) / 1000 : 0
  const rates = Object.fromEntries(
    // After a restart counters begin at 0 again.
    RATES.map(([key]) => [
      key,
      seconds > 0 ? Math.max(0, now.counts[key] - before.counts[key]) / seconds : 0,
    ]),
  )
  const tiles = RATES.map(([key, title, look]) => {
    const value = element('dd', rates[key] > 0 && look ? look : '', `${rounded(rates[key])}/s`)
    value.append(element('small', '', `${count(now.counts[key])} in all`))
    const tile = element('div')
    tile.append(element('dt', '', title), value)
    return tile
  })
  byId('rates').replaceChildren(...tiles)
  for (const [key, values] of Object.entries(history)) {
    values.push(rates[key])
    if (values.length > SECONDS) values.shift()
  }
  showChart()
}

function showChart() {
  const top = Math.max(1, ...history.received, ...history.delivered)
  byId('chart-top').textContent = rounded(top)
  for (const [key, values] of Object.entries(history)) {
    const first = SECONDS - values.length
    const points = values.map(
      (value, i) =>
        `${(((first + i) / (SECONDS - 1)) * 600).toFixed(1)},${(118 - (value / top) * 114).toFixed(1)}`,
    )
    byId(`line-${key}`).setAttribute('points', points.join(' '))
  }
}

function showLanes({ lanes, laneCount, active, delayed }) {
  const others = laneCount > lanes.length ? `, the longest ${lanes.length} of ${laneCount}` : ''
  byId('queue-note').textContent =
    `${count(active)} copies active, ${count(delayed)} delayed${others}`
  const rows = lanes.map(({ key, ...lane }) =>
    row(
      element('td', '', key),
      element('td', 'number', count(lane.active)),
      element('td', `number ${lane.delayed > 0 ? 'wait' : ''}`, count(lane.delayed)),
      element('td', 'number', count(lane.workers)),
      element('td', lane.health === 'good' ? 'good' : 'bad', lane.health),
    ),
  )
  byId('lanes').replaceChildren(...(rows.length > 0 ? rows : [nothing(5, 'The queue is empty.')]))
}

function showCallouts(callouts) {
  const all = callouts.reduce((sum, { seconds }) => sum + seconds, 0)
  const rows = callouts.map(({ hook, script, calls, seconds, errors }) =>
    row(
      element('td', '', hook),
      element('td', '', script),
      element('td', 'number', count(calls)),
      element('td', 'number', time(seconds / calls)),
      element('td', 'number', all > 0 ? `${Math.round((seconds / all) * 100)} %` : ''),
      element('td', `number ${errors > 0 ? 'bad' : ''}`, count(errors)),
    ),
  )
  byId('callouts').replaceChildren(...(rows.length > 0 ? rows : [nothing(6, 'None ran yet.')]))
}

function showMessage(message) {
  const known = messages.get(message.id)
  const details = known ?? element('details')
  const line = element('summary')
  const tally = Object.keys(OUTCOMES).flatMap((outcome) => {
    const many = message.copies.filter((copy) => copy.outcome === outcome).length
    return many > 0 ? [element('span', OUTCOMES[outcome], `${many} ${outcome}`)] : []
  })
  const unseen = message.recipients - message.copies.length
  const [first] = message.copies
  const others = message.recipients > 1 ? ` and ${message.recipients - 1} more` : ''
  line.append(
    clock(message.receivedMs),
    element('span', 'from', `<${message.mailfrom}> to <${first?.rcptto ?? ''}>${others}`),
    element('span', 'quiet', size(message.sizeBytes)),
    ...tally,
  )
  const inside = element('div', 'inside')
  const table = element('table')
  const head = row(
    ...['Recipient', 'Outcome', 'Reply', ''].map((title) => element('th', '', title)),
  )
  table.append(head, ...message.copies.map(copyRow))
  const scroll = element('div', 'scroll')
  scroll.append(table)
  inside.append(element('p', 'quiet', message.id), scroll)
  if (unseen > 0) inside.append(element('p', 'quiet', `and ${unseen} more recipients`))
  // What somebody reads stays: only what is different is replaced.
  const shown = details.querySelector('.inside')
  if (shown && shown.textContent === inside.textContent) return
  details.replaceChildren(line, inside)
  if (known) return
  messages.set(message.id, details)
  byId('messages').prepend(details)
  if (messages.size > MAX_MESSAGES) {
    const [[oldest, shownOldest]] = messages
    shownOldest.remove()
    messages.delete(oldest)
  }
}

function copyRow({ id, rcptto, outcome, text, remote, attempts }) {
  const state = attempts > 1 ? `${outcome}, attempt ${attempts}` : outcome
  const reply = element('td', '', [text, remote && `(${remote})`].filter(Boolean).join(' '))
  const button = element('button', '', 'callouts')
  button.type = 'button'
  button.addEventListener('click', async () => {
    reply.querySelector('pre')?.remove()
    reply.append(element('pre', '', await traceOf(id, rcptto)))
  })
  const last = element('td', 'number')
  last.append(button)
  return row(element('td', '', `<${rcptto}>`), element('td', OUTCOMES[outcome], state), reply, last)
}

function showEvent(record) {
  const [event] = Object.values(JSON.parse(record).msys)
  if (!event || knownEvents.has(event.event_id)) return
  knownEvents.add(event.event_id)
  const { type, rcpt_to: to, target_link_url: link, user_agent: agent, raw_reason: reason } = event
  const bot = event.bot ? `bot: ${event.bot}` : ''
  const item = element('li')
  item.append(
    clock(Number(event.timestamp) * 1000),
    element('span', `type ${EVENTS[type] ?? ''}`, type),
    element('span', 'what', [to, link, reason, agent, bot].filter(Boolean).join(' · ')),
  )
  const list = byId('events')
  list.prepend(item)
  if (list.childElementCount > MAX_EVENTS) list.lastElementChild.remove()
  if (knownEvents.size > MAX_EVENTS * 2) {
    const [oldest] = knownEvents
    knownEvents.delete(oldest)
  }
}

const EVENTS = {
  delivery: 'good',
  delay: 'wait',
  policy_rejection: 'wait',
  bounce: 'bad',
}

function showEmpty() {
  for (const [id, text] of [
    ['messages', 'No message yet.'],
    ['events', 'No event yet.'],
  ]) {
    const list = byId(id)
    const note = list.querySelector('.none')
    if (list.childElementCount === 0) list.append(element('p', 'quiet none', text))
    else if (note && list.childElementCount > 1) note.remove()
  }
}

function showPill(id, text, look) {
  const pill = byId(id)
  pill.className = `pill ${look}`
  pill.textContent = text
}
