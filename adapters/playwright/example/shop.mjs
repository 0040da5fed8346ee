// A shop where people sign in and have a cart.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const sessions = new Map(); // logins by session
const carts = new Map(); // numbers of things by login

createServer(async (request, response) => {
  const page = body => response.setHeader('Content-Type', 'text/html').end(`<!doctype html><title>Shop</title>${body}`);
  const goTo = (path, headers = {}) => response.writeHead(303, { Location: path, ...headers }).end();
  const login = sessions.get(/session=([^;]*)/.exec(request.headers.cookie ?? '')?.[1]);
  let body = '';
  for await (const chunk of request) body += chunk;
  const form = new URLSearchParams(body);

  if (request.url === '/login' && form.get('password') === `password of ${form.get('login')}`) {
    const session = randomUUID();
    sessions.set(session, form.get('login'));
    return goTo('/', { 'Set-Cookie': `session=${session}; HttpOnly; Path=/` });
  }
  if (request.url === '/login') {
    return page('<form method=post><label>Login <input name=login></label><label>Password <input name=password type=password></label><button>Sign in</button></form>');
  }
  if (!login) return goTo('/login');
  if (request.method === 'POST') {
    carts.set(login, request.url === '/add' ? (carts.get(login) ?? 0) + 1 : 0);
    return goTo('/');
  }
  const button = (path, name) => `<form method=post action=${path}><button>${name}</button></form>`;
  page(`<h1>Hello ${login}</h1><p>Cart: ${carts.get(login) ?? 0}</p>${button('/add', 'Add')}${button('/empty', 'Empty')}`);
}).listen(8765, '127.0.0.1');
