// Requests to the management API. A change carries a header that no page of another site can send.

const kTokenKey = 'ingot-token';

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const setToken = (token) => sessionStorage.setItem(kTokenKey, token);

// {data, next}: the answer, and the token of the page after it.
export async function request(path, { method = 'GET', query, body, token, signal } = {}) {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== '') url.searchParams.set(name, value);
  }
  const headers = { Accept: 'application/json' };
  const bearer = sessionStorage.getItem(kTokenKey);
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  if (token) headers['x-ms-continuation-token'] = encodeURIComponent(token);
  if (method !== 'GET') headers['X-Ingot-Request'] = '1';
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response;
  try {
    response = await fetch(url, { method, headers, body, signal, cache: 'no-store' });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, 'The server can’t be reached.');
  }
  const text = await response.text();
  let data = null;
  try {
    data = text ? JSON.parse(text) : null;
  } catch {
    throw new ApiError(response.status, 'The answer is not JSON.');
  }
  if (response.status >= 400) {
    throw new ApiError(response.status, data?.error?.message || `The server answered ${response.status}.`);
  }
  return { data, next: response.headers.get('x-ms-continuation-token') };
}

export const hubPath = (hub, ...parts) =>
    ['/api/hubs', hub, ...parts].map((part, i) => (i === 0 ? part : encodeURIComponent(part))).join('/');
