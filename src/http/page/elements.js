// Elements with text in them, never markup.

export function element(name, className = '', text = '') {
  const made = document.createElement(name)
  if (className.trim()) made.className = className.trim()
  if (text !== '') made.textContent = text
  return made
}

export function row(...cells) {
  const made = element('tr')
  made.append(...cells)
  return made
}

export function nothing(columns, text) {
  const cell = element('td', 'quiet', text)
  cell.colSpan = columns
  return row(cell)
}

export function clock(ms) {
  const made = element('time', '', new Date(ms).toLocaleTimeString())
  made.dateTime = new Date(ms).toISOString()
  return made
}
