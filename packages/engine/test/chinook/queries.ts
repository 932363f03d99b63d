import type { SqlValue } from '@millrace/protocol'

export interface ChinookQuery {
  readonly name: string
  readonly sql: string
  readonly parameters?: readonly SqlValue[]
  /** ORDER BY tells every row its place. */
  readonly total?: true
}

/** What a music shop asks for. */
export const QUERIES: readonly ChinookQuery[] = [
  {
    name: 'tracks of a playlist with album and artist',
    sql: `SELECT Track.TrackId, Track.Name, Album.Title, Artist.Name AS Artist FROM PlaylistTrack
      JOIN Track USING (TrackId) JOIN Album USING (AlbumId) JOIN Artist USING (ArtistId)
      WHERE PlaylistId = ? ORDER BY Artist.Name, Album.Title, Track.TrackId`,
    parameters: [17],
    total: true,
  },
  {
    name: 'revenue per country',
    sql: 'SELECT BillingCountry, round(sum(Total), 2) AS Revenue, count(*) FROM Invoice GROUP BY BillingCountry ORDER BY Revenue DESC, BillingCountry',
    total: true,
  },
  {
    name: 'longest albums',
    sql: `SELECT a.AlbumId, a.Title, sum(t.Milliseconds) AS Length, count(*) FROM Album a JOIN Track t ON t.AlbumId = a.AlbumId
      GROUP BY a.AlbumId ORDER BY Length DESC, a.AlbumId LIMIT 10`,
    total: true,
  },
  {
    name: 'customers of an employee',
    sql: `SELECT c.CustomerId, c.FirstName || ' ' || c.LastName AS Name, c.Country FROM Customer c
      WHERE c.SupportRepId = ? ORDER BY c.LastName, c.FirstName`,
    parameters: [3],
  },
  {
    name: 'search by name',
    sql: "SELECT TrackId, Name FROM Track WHERE Name LIKE '%' || ? || '%' ORDER BY Name",
    parameters: ['love'],
  },
  {
    name: 'top tracks by sales',
    sql: `SELECT t.TrackId, t.Name, sum(l.Quantity) AS Sold FROM InvoiceLine l JOIN Track t ON t.TrackId = l.TrackId
      GROUP BY t.TrackId ORDER BY Sold DESC, t.Name, t.TrackId LIMIT 20`,
    total: true,
  },
  {
    name: 'genres with their number of tracks',
    sql: 'SELECT g.Name, count(t.TrackId) FROM Genre g LEFT JOIN Track t ON t.GenreId = g.GenreId GROUP BY g.GenreId ORDER BY 2 DESC, 1',
  },
  {
    name: 'invoices of a customer with their lines',
    sql: `SELECT i.InvoiceId, i.InvoiceDate, i.Total, (SELECT json_group_array(json_object('track', t.Name, 'price', l.UnitPrice, 'n', l.Quantity))
        FROM (SELECT * FROM InvoiceLine WHERE InvoiceId = i.InvoiceId ORDER BY InvoiceLineId) l JOIN Track t ON t.TrackId = l.TrackId) AS Lines
      FROM Invoice i WHERE i.CustomerId = ? ORDER BY i.InvoiceDate DESC, i.InvoiceId`,
    parameters: [5],
    total: true,
  },
  {
    name: 'who reports to whom',
    sql: `WITH RECURSIVE Below(EmployeeId, Name, Level) AS (
        SELECT EmployeeId, LastName, 0 FROM Employee WHERE ReportsTo IS NULL
        UNION SELECT e.EmployeeId, e.LastName, Level + 1 FROM Employee e JOIN Below b ON e.ReportsTo = b.EmployeeId WHERE Level < 9)
      SELECT * FROM Below ORDER BY Level, EmployeeId`,
    total: true,
  },
  {
    name: 'customers who bought a genre',
    sql: `SELECT CustomerId, LastName FROM Customer c WHERE EXISTS (SELECT 1 FROM Invoice i JOIN InvoiceLine l ON l.InvoiceId = i.InvoiceId
        JOIN Track t ON t.TrackId = l.TrackId WHERE i.CustomerId = c.CustomerId AND t.GenreId = ?) ORDER BY LastName, CustomerId`,
    parameters: [2],
    total: true,
  },
  {
    name: 'albums without tracks',
    sql: 'SELECT a.AlbumId, a.Title FROM Album a LEFT JOIN Track t ON t.AlbumId = a.AlbumId WHERE t.TrackId IS NULL',
  },
  {
    name: 'composers',
    sql: 'SELECT DISTINCT Composer FROM Track WHERE Composer IS NOT NULL ORDER BY Composer',
    total: true,
  },
  {
    name: 'revenue per month',
    sql: `SELECT strftime('%Y-%m', InvoiceDate) AS Month, round(sum(Total), 2), count(*) FROM Invoice GROUP BY Month ORDER BY Month`,
    total: true,
  },
  {
    name: 'average price per media type',
    sql: 'SELECT m.Name, round(avg(t.UnitPrice), 6) FROM MediaType m JOIN Track t ON t.MediaTypeId = m.MediaTypeId GROUP BY m.MediaTypeId',
  },
  {
    name: 'running total of a customer',
    sql: `SELECT InvoiceId, Total, round(sum(Total) OVER (ORDER BY InvoiceDate, InvoiceId), 2) FROM Invoice WHERE CustomerId = ? ORDER BY InvoiceDate, InvoiceId`,
    parameters: [2],
    total: true,
  },
  { name: 'number of tracks', sql: 'SELECT count(*), count(Composer), sum(Bytes) FROM Track' },
  {
    name: 'a page of tracks',
    sql: 'SELECT TrackId, Name FROM Track ORDER BY Name COLLATE NOCASE, TrackId LIMIT ? OFFSET ?',
    parameters: [25, 50],
    total: true,
  },
  {
    name: 'tracks that were never sold, by genre',
    sql: `SELECT g.Name, count(*) FROM Track t JOIN Genre g ON g.GenreId = t.GenreId
      WHERE t.TrackId NOT IN (SELECT TrackId FROM InvoiceLine WHERE TrackId IS NOT NULL) GROUP BY g.GenreId HAVING count(*) > 20 ORDER BY g.Name`,
  },
  {
    name: 'customers and employees of one city',
    sql: 'SELECT FirstName, LastName, City FROM Customer WHERE City IS NOT NULL UNION SELECT FirstName, LastName, City FROM Employee ORDER BY 3, 2, 1',
    total: true,
  },
  {
    name: 'playlists with their length',
    sql: `SELECT p.PlaylistId, p.Name, count(t.TrackId), coalesce(sum(t.Milliseconds), 0) / 60000 AS Minutes FROM Playlist p
      LEFT JOIN PlaylistTrack pt ON pt.PlaylistId = p.PlaylistId LEFT JOIN Track t ON t.TrackId = pt.TrackId GROUP BY p.PlaylistId ORDER BY p.PlaylistId`,
    total: true,
  },
  {
    name: 'support staff by sales',
    sql: `SELECT e.EmployeeId, e.LastName, round(total(i.Total), 2) FROM Employee e LEFT JOIN Customer c ON c.SupportRepId = e.EmployeeId
      LEFT JOIN Invoice i ON i.CustomerId = c.CustomerId GROUP BY e.EmployeeId`,
  },
]
