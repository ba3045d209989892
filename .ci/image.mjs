// Does what examples/docker/Dockerfile says without Docker: each stage is an overlay over this machine in a
// namespace of its own. Then runs the image as the compose file does: its user, no privilege, a root that is
// read-only, the configuration and the Redis of the compose file, and its health check. Needs root, and skips
// visibly where namespaces cannot be had. Stages stand on what this machine has in place of node:20.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DOCKER = join(ROOT, 'examples/docker')
const [step, folder = ''] = process.argv.slice(2)

if (step === 'try') attempt()
else if (step === 'build') build()
else if (step === 'run') await runImage()
else outside()

function outside() {
  const made = mkdtempSync(join(tmpdir(), 'eachrcpt-image-'))
  try {
    const tried = spawnSync('unshare', [
      '-m',
      '-n',
      process.execPath,
      ...process.argv.slice(1),
      'try',
      made,
    ])
    if (tried.status !== 0) {
      console.log('skipped: no namespaces and overlays here')
      return
    }
    const self = [process.execPath, fileURLToPath(import.meta.url)]
    run('unshare', ['-m', ...self, 'build', made])
    run('unshare', ['-m', '-n', ...self, 'run', made])
  } finally {
    rmSync(made, { recursive: true, force: true })
  }
}

/** Fails where this cannot be done. */
function attempt() {
  prepareMounts()
  mountStage('try')
  run('ip', ['link', 'set', 'lo', 'up'])
}

/** Runs every instruction; what is said of the last stage goes into image.json. */
function build() {
  prepareMounts()
  const stages = new Map()
  let stage
  for (const [word, rest] of instructions(readFileSync(join(DOCKER, 'Dockerfile'), 'utf8'))) {
    switch (word) {
      case 'FROM': {
        const [, name = 'last'] = / AS (\S+)$/.exec(rest) ?? []
        stage = { name, root: mountStage(name), workdir: '/', env: {}, user: 'root', volumes: [] }
        stages.set(name, stage)
        break
      }
      case 'WORKDIR':
        stage.workdir = rest
        mkdirSync(join(stage.root, rest), { recursive: true })
        break
      case 'ENV': {
        const [name, value] = rest.split('=')
        stage.env[name] = value
        break
      }
      case 'COPY':
        copy(stage, stages, rest)
        break
      case 'RUN':
        run('chroot', [stage.root, 'sh', '-ec', `cd ${stage.workdir}; ${rest}`])
        break
      case 'USER':
        stage.user = rest
        break
      case 'VOLUME':
        stage.volumes.push(...JSON.parse(rest))
        break
      case 'HEALTHCHECK':
        stage.health = JSON.parse(rest.slice(rest.indexOf('CMD ') + 4))
        break
      case 'ENTRYPOINT':
      case 'CMD':
        stage[word.toLowerCase()] = JSON.parse(rest)
        break
      case 'EXPOSE':
      case 'STOPSIGNAL':
        stage[word.toLowerCase()] = rest
        break
      default:
        throw new Error(`Dockerfile: ${word} is not known here`)
    }
  }
  writeFileSync(join(folder, 'image.json'), JSON.stringify(stage))
}

/** Lines that end with a backslash go on. */
function instructions(text) {
  const whole = text.replaceAll(/^#.*\n/gm, '').replaceAll(/\\\n\s*/g, '')
  return whole.split('\n').flatMap((line) => {
    const [, word, rest] = /^(\S+)\s+(.*)$/.exec(line) ?? []
    return word ? [[word, rest]] : []
  })
}

function copy({ root, workdir }, stages, rest) {
  const [, from, paths] = /^(?:--from=(\S+) )?(.*)$/.exec(rest)
  const sources = paths.split(' ')
  const target = sources.pop()
  const isFolder = target.endsWith('/') || sources.length > 1 || target === '.'
  const ignored = new Set(readFileSync(join(DOCKER, 'Dockerfile.dockerignore'), 'utf8').split('\n'))
  for (const source of sources) {
    const path = from ? join(stages.get(from).root, source) : resolve(ROOT, source)
    const to = join(
      root,
      resolve(workdir, target),
      isFolder && source !== '.' ? basename(source) : '',
    )
    mkdirSync(dirname(to), { recursive: true })
    for (const name of source === '.' ? readdirSync(path) : ['']) {
      if (source === '.' && ignored.has(name)) continue
      cpSync(join(path, name), join(to, name), { recursive: true, verbatimSymlinks: true })
    }
  }
}

/** This machine, and what is written beside it. */
function mountStage(name) {
  const at = (part) => join(folder, name, part)
  for (const part of ['upper', 'work', 'root']) mkdirSync(at(part), { recursive: true })
  const layers = `lowerdir=/,upperdir=${at('upper')},workdir=${at('work')}`
  run('mount', ['-t', 'overlay', 'stage', '-o', layers, at('root')])
  run('mount', ['--rbind', '/dev', at('root/dev')])
  run('mount', ['-t', 'proc', 'proc', at('root/proc')])
  // The user of the image that it stands on.
  const passwd = readFileSync('/etc/passwd', 'utf8').replaceAll(/^(?:node:.*|.*:x:1000:.*)\n/gm, '')
  const groups = readFileSync('/etc/group', 'utf8').replaceAll(/^(?:node:.*|.*:x:1000:.*)\n/gm, '')
  writeFileSync(at('root/etc/passwd'), `${passwd}node:x:1000:1000::/home/node:/bin/sh\n`)
  writeFileSync(at('root/etc/group'), `${groups}node:x:1000:\n`)
  return at('root')
}

async function runImage() {
  prepareMounts()
  run('ip', ['link', 'set', 'lo', 'up'])
  // Who comes through a published port.
  run('ip', ['address', 'add', '172.17.0.1/16', 'dev', 'lo'])
  const image = JSON.parse(readFileSync(join(folder, 'image.json'), 'utf8'))
  const root = mountStage(image.name)
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost redis\n')
  for (const path of ['config', 'run/secrets']) mkdirSync(join(root, path), { recursive: true })
  cpSync(join(DOCKER, 'ecelerity.conf'), join(root, 'config/ecelerity.conf'))
  writeFileSync(join(root, 'run/secrets/tracking_key'), 'ab'.repeat(32))
  run('mount', ['-o', 'remount,ro', root])
  run('mount', ['-t', 'tmpfs', 'tmpfs', join(root, 'tmp')])
  for (const volume of image.volumes) keepVolume(root, volume)
  const redis = spawn('redis-server', ['--save', '', '--bind', '127.0.0.1'], { stdio: 'ignore' })
  const server = start(root, image, [...image.entrypoint, ...image.cmd], 'inherit')
  try {
    await untilHealthy(root, image, server)
    const message = 'To: you@rcpt.example\\nSubject: x\\n\\nhello\\n'
    const from = ['--server', '172.17.0.1:2525', '--local-interface', '172.17.0.1', '--silent']
    run('swaks', [...from, '--from', 'a@b.example', '--to', 'you@rcpt.example', '--data', message])
    const summary = [
      'node',
      image.entrypoint[1],
      'ctl',
      'summary',
      '--config',
      '/config/ecelerity.conf',
    ]
    const told = await ended(start(root, image, summary, 'inherit'))
    if (told !== 0) throw new Error(`ctl summary: exit ${told}`)
    server.kill('SIGTERM')
    const code = await ended(server)
    if (code !== 0) throw new Error(`after ${image.stopsignal}: exit ${code}`)
    const kept = execFileSync('find', [join(root, 'spool/maildir'), '-path', '*/new/*']).toString()
    if (kept.trim().split('\n').length !== 1 || kept === '') throw new Error('no mail in /spool')
    console.log('image: built, healthy, kept a message, ended')
  } finally {
    server.kill('SIGKILL')
    redis.kill('SIGKILL')
  }
}

/** With what the image has there, and its owner. */
function keepVolume(root, volume) {
  const kept = join(folder, 'volumes', volume)
  mkdirSync(dirname(kept), { recursive: true })
  run('cp', ['-a', join(root, volume), kept])
  run('mount', ['--bind', kept, join(root, volume)])
}

/** As its user, with no privilege left. */
function start(root, { user, env, workdir }, argv, output) {
  const plain = [
    '--reuid',
    user,
    '--regid',
    user,
    '--clear-groups',
    '--bounding-set=-all',
    '--no-new-privs',
  ]
  const inside = ['sh', '-ec', `cd ${workdir}; exec "$@"`, 'sh', ...argv]
  return spawn('chroot', [root, 'setpriv', ...plain, '--inh-caps=-all', ...inside], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', output, 'inherit'],
  })
}

async function untilHealthy(root, image, server) {
  for (let tries = 0; tries < 60; tries++) {
    if (server.exitCode !== null) throw new Error(`it ended: exit ${server.exitCode}`)
    if ((await ended(start(root, image, image.health, 'ignore'))) === 0) return
    await new Promise((done) => setTimeout(done, 500))
  }
  throw new Error('it did not become healthy')
}

function ended(child) {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode)
  return new Promise((done) => child.once('exit', done))
}

function prepareMounts() {
  run('mount', ['--make-rprivate', '/'])
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error ?? `exit ${status}`}`)
}
