// A service worker: it outlives its page, and asks from the background.
const settings = new URLSearchParams(location.search);
const url = how => `http://127.0.0.1:${settings.get('device')}/easyhttp/api?` +
  `${settings.get('page')}-service-worker-${how}`;
const body = JSON.stringify({type: 5, header: {sender_id: 'EV2LEV', sender_port: 5001}});
const send = (how, options) =>
  fetch(url(how), {method: 'POST', body, ...options}).catch(() => {});

addEventListener('install', event => event.waitUntil(Promise.all([
  send('no-cors', {mode: 'no-cors'}),
  send('json', {headers: {'Content-Type': 'application/json'}}),
])));
